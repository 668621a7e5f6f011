// The device's electronic signature, RM0008 chapter 30, in the system memory: the flash size and the unique id. The
// boot loader, which fills the rest of that memory, is not there.

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Memory;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_Signature : IPeripheral
    {
        // uniqueId: the lowest 64 of its 96 bits
        public STM32F103_Signature(MappedMemory systemMemory, MappedMemory flash, ulong uniqueId)
        {
            systemMemory.SetRange(0, systemMemory.Size, 0xFF);
            systemMemory.WriteWord(FlashSize, (ushort)(flash.Size / 1024));
            systemMemory.WriteQuadWord(UniqueId, uniqueId);
            systemMemory.WriteDoubleWord(UniqueId + 8, 0);
        }

        public void Reset()
        {
        }

        private const long FlashSize = 0x7E0;
        private const long UniqueId = 0x7E8;
    }
}
