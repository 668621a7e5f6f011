// The other end of a serial line, with a rate and a character format: what a host's adapter does.

using System;
using System.Collections.Generic;

namespace Antmicro.Renode.Peripherals.UART
{
    public class FarEnd
    {
        // toChip, fromChip: the two lines
        public FarEnd(Waveform toChip, Waveform fromChip)
        {
            this.toChip = toChip;
            receiver = new SerialReceiver(fromChip);
        }

        // Characters leave one after the other, without a pause.
        public void Send(byte value, double now)
        {
            queue.Enqueue(value);
            free = Math.Max(free, now);
        }

        // Puts the characters on the line that have begun until now.
        public void SendUntil(double now)
        {
            while(queue.Count > 0 && free <= now)
            {
                SendNext();
            }
        }

        // Puts one more character on the line, that is yet to begin. False when none waits.
        public bool SendNext()
        {
            if(queue.Count == 0)
            {
                return false;
            }
            var value = queue.Dequeue();
            var frame = format.Frame(value);
            var bits = 1 + format.DataBits;
            toChip.AddBits(free, bit, frame, bits);
            Damage(free);
            free += format.Length * bit;
            return true;
        }

        public void SetFormat(double baudRate, CharacterFormat format, double now)
        {
            SendUntil(now);
            this.format = format;
            bit = 1e9 / baudRate;
            receiver.Restart(now, bit / 16, format);
        }

        // Passes on the characters that are complete; when the next will be, null when none has begun.
        public double? ReceiveUntil(double now, Action<byte> received)
        {
            double? next;
            while((next = receiver.NextCompletion()) <= now)
            {
                received((byte)receiver.Take().Data);
            }
            return next;
        }

        // The character that goes next has its stop bit or one sample of a data bit turned over.
        public LineDamage DamageNext { private get; set; }

        private void Damage(double start)
        {
            var from = start;
            var to = start;
            switch(DamageNext)
            {
            case LineDamage.None:
                return;
            case LineDamage.Framing:
                from += (1 + format.DataBits + 0.40) * bit;
                to += (1 + format.DataBits + 0.68) * bit;
                break;
            case LineDamage.Noise:
                from += (4 + 8 / 16.0) * bit;
                to += (4 + 9 / 16.0) * bit;
                break;
            }
            toChip.Invert(from, to);
            DamageNext = LineDamage.None;
        }

        private CharacterFormat format;
        private double bit;
        private double free;

        private readonly Waveform toChip;
        private readonly SerialReceiver receiver;
        private readonly Queue<byte> queue = new Queue<byte>();
    }

    public enum LineDamage
    {
        None,
        Framing,
        Noise,
    }
}
