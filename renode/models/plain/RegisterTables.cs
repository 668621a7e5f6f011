// The registers of peripherals that are not modelled: name, offset, reset value and writable bits, in hexadecimal, as
// RM0008 and, for the core's units, DDI 0337 give them.

using System.Collections.Generic;
using System.Linq;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public static class RegisterTables
    {
        public static readonly Dictionary<string, string> Rows = new Dictionary<string, string>
        {
            { "ITM", Numbered("STIM{0} {1:X} 1 0", 32, 0, 4) + ", TER E00 0 FFFFFFFF, TPR E40 0 F, TCR E80 0 7F000F, LAR FB0 0 0, LSR FB4 3 0" },
            { "FPB", "CTRL 0 260 1, REMAP 4 0 1FFFFFE0, " + Numbered("COMP{0} {1:X} 0 DFFFFFFD", 8, 8, 4) },
            { "TPIU", "SSPSR 0 F 0, CSPSR 4 1 FFFFFFFF, ACPR 10 0 1FFF, SPPR F0 1 3, FFSR 300 8 0, FFCR 304 102 102" },
            { "ETM", "CR 0 411 FFFFF, CCR 4 0 0, TRIGGER 8 0 1FFFF, SR 10 0 0, SCR 14 0 0, TEEVR 20 0 1FFFF, TECR1 24 0 3FFFFFF, FFLR 2C 0 FF, IDR 1E4 0 0, TRACEIDR 200 0 7F, LAR FB0 0 0, LSR FB4 3 0" },
            // Where each of the core's units is, and the identity of an STM32F1 of medium density.
            { "ROM", "SCS 0 FFF0F003 0, DWT 4 FFF02003 0, FPB 8 FFF03003 0, ITM C FFF01003 0, TPIU 10 FFF41003 0, ETM 14 FFF42003 0, END 18 0 0, MEMTYPE FCC 1 0, "
                + "PID4 FD0 0 0, PID5 FD4 0 0, PID6 FD8 0 0, PID7 FDC 0 0, PID0 FE0 10 0, PID1 FE4 4 0, PID2 FE8 A 0, PID3 FEC 0 0, CID0 FF0 D 0, CID1 FF4 10 0, CID2 FF8 5 0, CID3 FFC B1 0" },
        };

        private static string Numbered(string row, int count, int start, int step)
        {
            return string.Join(", ", Enumerable.Range(0, count).Select(k => string.Format(row, k, start + step * k)));
        }

    }
}
