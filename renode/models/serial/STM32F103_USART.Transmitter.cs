// The USART's transmitter, RM0008 27.3.2.

using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.UART
{
    public partial class STM32F103_USART
    {
        private bool Drives => enabled.Value && transmitterEnabled.Value && DividerIsUsable;

        private bool ReachesLine => Drives && port.IsFunctionOutput(transmitPin);

        // Enabling sends an idle frame first, 27.3.2.
        private void TransmitterSwitched()
        {
            var now = machine.Now();
            if(sendsCharacter)
            {
                this.Log(LogLevel.Error, "The transmitter was switched while it was sending: the character is lost.");
                shifted.CutAt(now);
                shifted.Add(now, true);
                sendsCharacter = false;
            }
            isSending = Drives;
            transmitHolds = false;
            if(Drives)
            {
                EndFrameAt(now, now + Format.Length * BitTime);
            }
            else
            {
                transmission.Cancel();
            }
            UpdateTransmitLine();
            port.FunctionChanged(transmitPin);
        }

        private void DataWasWritten(uint value)
        {
            if(!Drives)
            {
                this.Log(LogLevel.Error, "A character was written while the transmitter was off.");
                return;
            }
            if(transmitHolds)
            {
                this.Log(LogLevel.Error, "A character was written while the data register was full: one is lost.");
            }
            transmissionComplete.Value &= (statusRead & TransmissionComplete) == 0;
            transmitData = value;
            transmitHolds = true;
            if(!isSending)
            {
                StartSending(machine.Now());
            }
            Update();
        }

        private void StartSending(double now)
        {
            if(breakRequested.Value)
            {
                breakRequested.Value = false;
                Send(now, 0, (int)Format.Length, 1);
            }
            else if(transmitHolds && !(clearToSendEnabled.Value && handshakePort.Level(clearToSendPin)))
            {
                transmitHolds = false;
                Send(now, Format.Frame(transmitData), 1 + Format.DataBits, Format.StopBits);
            }
        }

        private void Send(double now, uint bits, int count, double stopBits)
        {
            isSending = true;
            sendsCharacter = true;
            shifted.ForgetBefore(now);
            shifted.AddBits(now, BitTime, bits, count);
            if(ReachesLine)
            {
                fromChip.AddBits(now, BitTime, bits, count);
            }
            EndFrameAt(now, now + (count + stopBits) * BitTime);
        }

        private void EndFrameAt(double now, double moment)
        {
            frameEnd = moment;
            transmission.SetIn(moment - now);
        }

        private void TransmitterIsFree()
        {
            var now = machine.Now();
            isSending = false;
            sendsCharacter = false;
            StartSending(now);
            transmissionComplete.Value |= !isSending && !transmitHolds;
            FarEndListens(now);
            Update();
        }

        // What the far end sees: the transmitter's bits where the pin is given to it, else the pin's own level, and
        // high, as the far end pulls it, where the pin is an input.
        private void UpdateTransmitLine()
        {
            var now = machine.Now();
            fromChip.CutAt(now);
            if(ReachesLine)
            {
                fromChip.CopyFrom(shifted, now);
            }
            else
            {
                fromChip.Add(now, port.LevelFromPort(transmitPin) ?? true);
            }
            FarEndListens(now);
        }

        private uint transmitData;
        private bool transmitHolds;
        private bool isSending; // a character or an idle frame
        private bool sendsCharacter;
        private double frameEnd;

        private readonly Waveform shifted = new Waveform(); // what the transmitter puts out, whatever the pin does
    }
}
