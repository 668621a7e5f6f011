# Monitor commands that let a host talk to a UART in virtual time. Renode runs this file in IronPython.
#
# The machine stops while no host waits for it, so a slow host on a busy computer is never late.

import clr
from Antmicro import Renode
from Antmicro.Renode.Core import EmulationManager
from Antmicro.Renode.Time import TimeInterval

# The machine runs in steps of this length until a line is complete.
STEP_SECONDS = 0.01


class HostLink:
    def __init__(self, machine, uart):
        self.machine = machine
        self.uart = clr.Convert(uart, Renode.Peripherals.UART.IUART)
        self.received = []
        self.uart.CharReceived += self.received.append

    def now(self):
        return self.machine.ElapsedVirtualTime.TimeElapsed.TotalSeconds


link = None


def mc_host_link_open(uart):
    """Connects to a UART. The machine is started, and stands still until somebody waits for it."""
    global link
    link = HostLink(self.Machine, uart)


def mc_host_link_send(data):
    """Puts bytes, written as hexadecimal digits, on the line; the UART takes them at its own speed."""
    for k in range(0, len(data), 2):
        link.uart.WriteChar(int(data[k : k + 2], 16))


def mc_host_link_receive(seconds):
    """Runs the machine until a line is complete, for at most this number of virtual seconds.

    Prints the virtual time and all bytes that came, as hexadecimal digits."""
    deadline = link.now() + float(seconds)
    while 10 not in link.received and link.now() < deadline:
        step = min(STEP_SECONDS, max(deadline - link.now(), 0.000001))
        EmulationManager.Instance.CurrentEmulation.RunFor(TimeInterval.FromSeconds(step))
    data = "".join("%02x" % byte for byte in link.received)
    del link.received[:]
    print('{:.6f} "{}"'.format(link.now(), data))
