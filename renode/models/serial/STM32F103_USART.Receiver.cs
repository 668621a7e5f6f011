// The USART's receiver, RM0008 27.3.3.

using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.UART
{
    public partial class STM32F103_USART
    {
        private bool Receives => enabled.Value && receiverEnabled.Value && DividerIsUsable && port.IsDigitalInput(receivePin);

        private void RestartReceiver()
        {
            var now = machine.Now();
            farEnd.SendUntil(now);
            toChip.ForgetBefore(now);
            if(lineBaudRate == 0)
            {
                SetFarFormat();
            }
            receiverRuns = Receives;
            idleIsAwaited = receiverRuns;
            if(receiverRuns)
            {
                receiver.Restart(now, BitTime / 16, Format);
            }
            ScheduleReception();
        }

        // One alarm serves the next character and, if none comes, the end of an idle frame.
        private void ScheduleReception()
        {
            if(!receiverRuns)
            {
                reception.Cancel();
                return;
            }
            var completion = receiver.NextCompletion();
            while(completion == null && farEnd.SendNext())
            {
                completion = receiver.NextCompletion();
            }
            if(LineWillBeIdle)
            {
                reception.SetAt(EndOfIdleFrame);
            }
            else if(completion is double moment)
            {
                reception.SetAt(moment);
            }
            else
            {
                reception.Cancel();
            }
        }

        private void ReceptionDue()
        {
            var now = machine.Now();
            farEnd.SendUntil(now);
            if(LineWillBeIdle && EndOfIdleFrame <= now)
            {
                idleIsAwaited = false;
                idle.Value = true;
                Update();
            }
            else if(receiver.NextCompletion() <= now)
            {
                Receive(receiver.Take());
            }
            ScheduleReception();
        }

        private bool LineWillBeIdle => idleIsAwaited && receiver.LineIsHigh && receiver.NextStart() > EndOfIdleFrame;

        private double EndOfIdleFrame => receiver.SearchesSince + Format.Length * BitTime;

        private void Receive(SerialCharacter character)
        {
            idleIsAwaited = true;
            if(received.Value)
            {
                overrun.Value = true; // the data register keeps the older character, and only this flag is set, 27.6.1
            }
            else
            {
                receiveData = character.Data;
                received.Value = true;
                framingError.Value |= character.FramingError;
                noiseError.Value |= character.Noise;
                parityError.Value |= character.ParityError;
            }
            Update();
        }

        // Reading SR and then DR clears the flags that were read, 27.6.1.
        private void DataWasRead()
        {
            received.Value = false;
            parityError.Value &= (statusRead & 1u << 0) == 0;
            framingError.Value &= (statusRead & 1u << 1) == 0;
            noiseError.Value &= (statusRead & 1u << 2) == 0;
            overrun.Value &= (statusRead & 1u << 3) == 0;
            idle.Value &= (statusRead & 1u << 4) == 0;
            statusRead = 0;
            Update();
        }

        private uint receiveData;
        private bool receiverRuns;
        private bool idleIsAwaited;
    }
}
