// No part of the chip: a host at the other end of the USB cable. Monitor commands attach it and order transfers; each
// answer is written to `Answers` as hexadecimal digits, in order.

using System.Collections.Generic;
using System.Linq;

namespace Antmicro.Renode.Peripherals.USB
{
    public partial class STM32F103_USB
    {
        public bool IsAttached { get; private set; }

        // Plugs the cable in; the device is reset on the bus.
        public void Attach()
        {
            IsAttached = true;
            orders.Clear();
            Answers = "";
            frame.SetIn(FrameTime);
            resetIsDue = true;
        }

        public void Detach()
        {
            IsAttached = false;
            frame.Cancel();
            bus.Cancel();
        }

        // setup: eight bytes; data: what the host sends after it, if anything. Digits in hexadecimal.
        public void Control(string setup, string data = "")
        {
            var request = Bytes(setup);
            var toHost = (request[0] & 0x80) != 0;
            var length = request[6] | request[7] << 8;
            orders.Enqueue(new Order { Kind = Kind.Setup, Data = request });
            if(toHost && length > 0)
            {
                orders.Enqueue(new Order { Kind = Kind.In, Wanted = length, PacketSize = ControlPacket });
            }
            else if(!toHost && length > 0)
            {
                orders.Enqueue(new Order { Kind = Kind.Out, Data = Bytes(data) });
            }
            orders.Enqueue(toHost && length > 0 ? new Order { Kind = Kind.Out, Data = new byte[0] }
                : new Order { Kind = Kind.In, Wanted = 0, IsStatus = true, PacketSize = ControlPacket });
            WakeHost();
        }

        public void Send(uint endpoint, string data)
        {
            orders.Enqueue(new Order { Kind = Kind.Out, Endpoint = endpoint, Data = Bytes(data) });
            WakeHost();
        }

        // One packet of an endpoint.
        public void Receive(uint endpoint)
        {
            orders.Enqueue(new Order { Kind = Kind.In, Endpoint = endpoint, Wanted = int.MaxValue, PacketSize = int.MaxValue });
            WakeHost();
        }

        // The answers so far, one a word; "stall" or "none" for a transfer that failed.
        public string Answers { get; private set; } = "";

        // Orders that are not yet done.
        public int Pending => orders.Count;

        private void FrameBegins()
        {
            frameNumber = frameNumber + 1 & 0x7FF;
            if(resetIsDue && IsRunning)
            {
                resetIsDue = false;
                ResetFunction();
                events |= ResetEvent;
            }
            else
            {
                events |= StartOfFrame;
            }
            Update();
            frame.SetIn(FrameTime);
            WakeHost();
        }

        private void WakeHost()
        {
            if(IsAttached && IsRunning && !resetIsDue && orders.Count > 0 && !bus.IsSet)
            {
                bus.SetIn(TransactionTime);
            }
        }

        private void NextTransaction()
        {
            if(orders.Count == 0 || !IsRunning)
            {
                return;
            }
            var order = orders.Peek();
            Handshake handshake;
            if(order.Kind == Kind.In)
            {
                handshake = In(order.Endpoint, out var data);
                if(handshake == Handshake.Acknowledged)
                {
                    order.Received.AddRange(data);
                    if(order.Received.Count >= order.Wanted || data.Length < order.PacketSize)
                    {
                        orders.Dequeue();
                        Answers += order.IsStatus ? "ok " : string.Concat(order.Received.Select(value => value.ToString("x2"))) + " ";
                    }
                }
            }
            else
            {
                var packet = order.Data.Take(ControlPacket).ToArray();
                handshake = Out(order.Endpoint, packet, order.Kind == Kind.Setup);
                if(handshake == Handshake.Acknowledged)
                {
                    order.Data = order.Data.Skip(ControlPacket).ToArray();
                    if(order.Data.Length == 0)
                    {
                        orders.Dequeue();
                    }
                }
            }
            if(handshake == Handshake.Stall || (handshake == Handshake.None && ++order.Attempts >= 3))
            {
                Answers += handshake == Handshake.Stall ? "stall " : "none ";
                // The rest of a control transfer ends with it.
                orders.Dequeue();
                while(orders.Count > 0 && order.Endpoint == 0 && orders.Peek().Endpoint == 0 && orders.Peek().Kind != Kind.Setup)
                {
                    orders.Dequeue();
                }
            }
            // A device that is not ready is asked again in the next frame.
            if(handshake == Handshake.Acknowledged)
            {
                WakeHost();
            }
        }

        private static byte[] Bytes(string digits)
        {
            digits = digits.Replace(" ", "");
            return Enumerable.Range(0, digits.Length / 2).Select(k => System.Convert.ToByte(digits.Substring(2 * k, 2), 16)).ToArray();
        }

        private bool resetIsDue;

        private readonly Queue<Order> orders = new Queue<Order>();

        private const int ControlPacket = 64;
        private const double FrameTime = 1e6; // ns
        private const double TransactionTime = 50e3;

        private enum Kind
        {
            Setup,
            In,
            Out,
        }

        private class Order
        {
            public Kind Kind;
            public uint Endpoint;
            public byte[] Data;
            public int Wanted;
            public int PacketSize;
            public int Attempts;
            public bool IsStatus;
            public readonly List<byte> Received = new List<byte>();
        }
    }
}
