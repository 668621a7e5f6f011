// The far end of the USART's line: what a terminal or a test writes and hears.

using System;
using System.Collections.Concurrent;

using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.UART
{
    public partial class STM32F103_USART
    {
        // A character from the far end: it goes after those that wait. May be called from any thread.
        public void WriteChar(byte value)
        {
            LineIsWired = true;
            written.Enqueue(value);
            if(!arrival.IsSet)
            {
                arrival.SetIn(0);
            }
        }

        // Damages the character that the far end sends next: its stop bit, or one sample of a data bit.
        public void DamageNextCharacter(bool framing)
        {
            farEnd.DamageNext = framing ? LineDamage.Framing : LineDamage.Noise;
        }

        // The far end's rate; 0: the rate and format of the USART.
        public uint LineBaudRate
        {
            get => lineBaudRate;
            set
            {
                lineBaudRate = value;
                SetFarFormat();
            }
        }

        public Parity LineParity
        {
            get => lineParity;
            set
            {
                lineParity = value;
                SetFarFormat();
            }
        }

        [field: Migrant.Transient]
        public event Action<byte> CharReceived;

        private void SetFarFormat()
        {
            if(lineBaudRate != 0)
            {
                var dataBits = lineParity == Parity.None ? 8 : 9;
                farEnd.SetFormat(lineBaudRate, new CharacterFormat(dataBits, lineParity, 1), machine.Now());
            }
            else if(DividerIsUsable)
            {
                farEnd.SetFormat(1e9 / BitTime, Format, machine.Now());
            }
            ScheduleReception();
        }

        private void CharactersWereWritten()
        {
            var now = machine.Now();
            while(written.TryDequeue(out var value))
            {
                farEnd.Send(value, now);
            }
            ScheduleReception();
        }

        private void FarEndListens(double now)
        {
            var next = farEnd.ReceiveUntil(now, value => CharReceived?.Invoke(value));
            // The transmitter comes by when its character ends.
            if(next is double moment && !(isSending && frameEnd >= moment))
            {
                farReception.SetAt(moment);
            }
        }

        private uint lineBaudRate;
        private Parity lineParity = Parity.None;

        private readonly ConcurrentQueue<byte> written = new ConcurrentQueue<byte>();
    }
}
