// The clocks of the backup domain, RM0008 7.2.8 and 7.3.9, and what the power control asks of the RCC.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public partial class STM32F103_RCC
    {
        // PWR_CR.DBP: the backup domain can be written.
        public bool BackupIsWritable { get; set; }

        // In Hz; 0 while the RTC has no clock.
        public uint RtcFrequency { get; private set; }

        // Whether the 32,768 Hz crystal swings.
        public bool LowSpeedCrystalSwings
        {
            get => lowSpeedCrystal.Works;
            set => lowSpeedCrystal.Works = value;
        }

        // Stop: the buses have no clock; it ends on the internal oscillator, 5.3.4.
        public bool IsStopped
        {
            get => isStopped;
            set
            {
                if(value == isStopped)
                {
                    return;
                }
                isStopped = value;
                if(!value)
                {
                    crystal.IsOn = false;
                    pll.IsOn = false;
                    internalOscillator.Reset(true);
                    requestedClock.Value = ClockSource.Internal;
                    systemClock = ClockSource.Internal;
                    UpdateClocks();
                }
                dwt.Frequency = value ? 0 : hclk;
                gates.IsStopped = value;
            }
        }

        public void LeaveStandby()
        {
            RequestReset(ResetCause.None);
        }

        public event Action RtcClockChanged;

        // RCC_BDCR.BDRST or a loss of power.
        public event Action BackupReset;

        public event Action PowerLost;

        private void DefineBackupRegister()
        {
            Registers.BackupDomainControl.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => backupControl | (lowSpeedCrystal.IsReady ? 2u : 0), writeCallback: (_, value) => WriteBackup((uint)value), name: "BDCR");
        }

        private void WriteBackup(uint value)
        {
            if(!BackupIsWritable)
            {
                if(value != backupControl)
                {
                    this.Log(LogLevel.Error, "RCC_BDCR was written while PWR_CR.DBP is clear: the write is lost.");
                }
                return;
            }
            if((value & BackupResetBit) != 0)
            {
                ResetBackup();
                backupControl = BackupResetBit;
                return;
            }
            // The RTC's source is chosen once, 7.3.9.
            var source = backupControl & RtcSource;
            if(source != 0 && (value & RtcSource) != source)
            {
                this.Log(LogLevel.Error, "RTCSEL was changed without a reset of the backup domain.");
                value = (value & ~RtcSource) | source;
            }
            backupControl = value & 0x8305;
            lowSpeedCrystal.IsOn = (value & 1) != 0;
            UpdateRtc();
        }

        private void ResetBackup()
        {
            backupControl = 0;
            lowSpeedCrystal.Reset(false);
            UpdateRtc();
            BackupReset?.Invoke();
        }

        private void UpdateRtc()
        {
            uint frequency = 0;
            if((backupControl & RtcEnable) != 0)
            {
                switch((backupControl & RtcSource) >> 8)
                {
                case 1: frequency = lowSpeedCrystal.IsReady ? LowSpeedCrystalFrequency : 0; break;
                case 2: frequency = lowSpeed.IsReady ? LowSpeedFrequency : 0; break;
                case 3: frequency = crystal.IsReady ? CrystalFrequency / 128 : 0; break;
                }
            }
            if(frequency != RtcFrequency)
            {
                RtcFrequency = frequency;
                RtcClockChanged?.Invoke();
            }
        }

        private uint backupControl;
        private bool isStopped;

        private readonly Oscillator lowSpeedCrystal;

        private const uint LowSpeedCrystalFrequency = 32768;
        private const double LowSpeedCrystalStartUp = 0.5e9; // ns; the datasheet says 3 s as a typical value
        private const uint LowSpeedCrystalReady = 1 << 1; // of CIR
        private const uint RtcSource = 3 << 8; // of BDCR
        private const uint RtcEnable = 1 << 15;
        private const uint BackupResetBit = 1 << 16;
    }
}
