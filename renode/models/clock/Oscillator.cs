// A source of a clock: it is ready some time after it is switched on, if it works.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class Oscillator
    {
        // startUp: in ns; becameReady: runs when the start-up time is over
        public Oscillator(IMachine machine, IPeripheral owner, string name, double startUp, Action becameReady)
        {
            this.startUp = startUp;
            start = new Alarm(machine, owner, name, () =>
            {
                IsReady = true;
                becameReady();
            });
        }

        public void Reset(bool isOn)
        {
            start.Cancel();
            this.isOn = isOn;
            IsReady = isOn;
        }

        public bool IsOn
        {
            get => isOn;
            set
            {
                isOn = value;
                Update();
            }
        }

        // Whether it can run: a crystal that swings, a PLL that has an input.
        public bool Works
        {
            get => works;
            set
            {
                works = value;
                Update();
            }
        }

        public bool IsReady { get; private set; }

        private void Update()
        {
            if(!isOn || !works)
            {
                start.Cancel();
                IsReady = false;
            }
            else if(!IsReady && !start.IsSet)
            {
                start.SetIn(startUp);
            }
        }

        private bool isOn;
        private bool works = true;

        private readonly Alarm start;
        private readonly double startUp;
    }
}
