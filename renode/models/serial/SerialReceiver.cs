// A receiver that samples a line at sixteen times its own rate, RM0008 27.3.3. A start bit is three low samples of
// three among the third, fifth and seventh, and again among the eighth, ninth and tenth, or two of each with noise.
// A bit is what two of its eighth, ninth and tenth samples say; noise is that the third differs.

using System;

namespace Antmicro.Renode.Peripherals.UART
{
    public class SerialReceiver
    {
        public SerialReceiver(Waveform line)
        {
            this.line = line;
        }

        // Looks for a start bit from now on. sample: the time between two samples, in ns, as all times
        public void Restart(double now, double sample, CharacterFormat format)
        {
            origin = now;
            searchFrom = now;
            this.sample = sample;
            this.format = format;
        }

        // When the character that comes next will be complete, null when none has begun yet.
        public double? NextCompletion()
        {
            return FindStart() ? TimeOf(LastSample) : (double?)null;
        }

        // When that character's start bit began.
        public double NextStart()
        {
            return FindStart() ? firstLow : double.PositiveInfinity;
        }

        // Takes the character that is complete.
        public SerialCharacter Take()
        {
            FindStart();
            var noisy = startIsNoisy;
            var data = 0u;
            for(var k = 0; k < format.DataBits; k++)
            {
                if(SampleBit(16 * (k + 1), ref noisy))
                {
                    data |= 1u << k;
                }
            }
            var hasStopBit = format.StopBits < 1 || SampleBit(FirstStopSample - 8, ref noisy);
            searchFrom = TimeOf(LastSample);
            line.ForgetBefore(searchFrom - SamplesBeforeStart * sample);
            return new SerialCharacter(data, !hasStopBit, noisy, format.ParityFails(data));
        }

        // Since when it looks for a start bit, and whether the line was high then.
        public double SearchesSince => searchFrom;

        public bool LineIsHigh => line.LevelAt(searchFrom);

        // Finds the next start bit that the samples confirm.
        private bool FindStart()
        {
            while(line.NextFall(searchFrom, SamplesBeforeStart * sample, origin) is double fall)
            {
                // the samples come at a steady pace, whenever the line falls
                firstLow = origin + Math.Ceiling((fall - origin) / sample) * sample;
                var early = LowSamples(3, 5, 7);
                var late = LowSamples(8, 9, 10);
                if(early >= 2 && late >= 2)
                {
                    startIsNoisy = early + late < 6;
                    return true;
                }
                searchFrom = fall;
            }
            return false;
        }

        private int LowSamples(int first, int second, int third)
        {
            return Low(first) + Low(second) + Low(third);
        }

        private int Low(int number) => line.LevelAt(TimeOf(number)) ? 0 : 1;

        // before: the samples before the bit's first
        private bool SampleBit(int before, ref bool noisy)
        {
            var low = LowSamples(before + 8, before + 9, before + 10);
            noisy |= low == 1 || low == 2;
            return low < 2;
        }

        // Samples are counted from 1, the first low one.
        private double TimeOf(int number) => firstLow + (number - 1) * sample;

        // One and a half stop bits are sampled at the end of the first, a half one is not.
        private int FirstStopSample => 16 * (format.DataBits + 1) + (format.StopBits == 1.5 ? 16 : 8);

        private int LastSample => FirstStopSample + 2;

        private double origin;
        private double searchFrom;
        private double sample;
        private CharacterFormat format;
        private double firstLow;
        private bool startIsNoisy;

        private readonly Waveform line;

        private const int SamplesBeforeStart = 3;
    }

    public struct SerialCharacter
    {
        public SerialCharacter(uint data, bool framingError, bool noise, bool parityError)
        {
            Data = data;
            FramingError = framingError;
            Noise = noise;
            ParityError = parityError;
        }

        public readonly uint Data;
        public readonly bool FramingError;
        public readonly bool Noise;
        public readonly bool ParityError;
    }
}
