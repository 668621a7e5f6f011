// The two keys that unlock the flash controller or its option bytes, PM0075 2.3.1. A wrong one breaks the sequence until
// the next reset.

namespace Antmicro.Renode.Peripherals.MTD
{
    public class KeySequence
    {
        // Begins again, as a lock makes it; a broken sequence stays broken.
        public void Begin()
        {
            given = 0;
        }

        public void Reset()
        {
            Begin();
            isBroken = false;
        }

        // False for a wrong key, and for every key after it.
        public bool Accepts(uint key)
        {
            isBroken |= !IsComplete && key != Keys[given];
            given += isBroken || IsComplete ? 0 : 1;
            return !isBroken;
        }

        public bool IsComplete => given == Keys.Length;

        private int given;
        private bool isBroken;

        private static readonly uint[] Keys = { 0x45670123, 0xCDEF89AB };
    }
}
