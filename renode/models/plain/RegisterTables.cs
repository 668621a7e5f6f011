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
            { "RTC", "CRH 0 0 7, CRL 4 20 F, PRLH 8 0 0, PRLL C 8000 0, DIVH 10 0 0, DIVL 14 8000 0, CNTH 18 0 FFFF, CNTL 1C 0 FFFF, ALRH 20 FFFF 0, ALRL 24 FFFF 0" },
            { "WWDG", "CR 0 7F FF, CFR 4 7F 3FF, SR 8 0 1" },
            { "SPI1", SpiStart },
            { "SPI2", SpiStart },
            { "I2C1", I2cStart },
            { "I2C2", I2cStart },
            { "USB", Numbered("EP{0}R {1:X} 0 0", 8, 0, 4) + ", CNTR 40 3 FF1F, ISTR 44 0 0, FNR 48 0 0, DADDR 4C 0 FF, BTABLE 50 0 FFF8" },
            { "USB_MEMORY", Numbered("{0} {1:X} 0 FFFF", 256, 0, 4) },
            { "CAN", "MCR 0 10002 100FF, MSR 4 C02 0, TSR 8 1C000000 0, RF0R C 0 0, RF1R 10 0 0, IER 14 0 38F7F, ESR 18 0 70, BTR 1C 1230000 C37F03FF, "
                + Numbered("TI{0}R {1:X} 0 FFFFFFFF", 3, 0x180, 16) + ", " + Numbered("TDT{0}R {1:X} 0 FFFF010F", 3, 0x184, 16) + ", "
                + Numbered("TDL{0}R {1:X} 0 FFFFFFFF", 3, 0x188, 16) + ", " + Numbered("TDH{0}R {1:X} 0 FFFFFFFF", 3, 0x18C, 16) + ", "
                + Numbered("RI{0}R {1:X} 0 0", 2, 0x1B0, 16) + ", " + Numbered("RDT{0}R {1:X} 0 0", 2, 0x1B4, 16) + ", "
                + Numbered("RDL{0}R {1:X} 0 0", 2, 0x1B8, 16) + ", " + Numbered("RDH{0}R {1:X} 0 0", 2, 0x1BC, 16) + ", "
                + "FMR 200 2A1C0E01 1, FM1R 204 0 3FFF, FS1R 20C 0 3FFF, FFA1R 214 0 3FFF, FA1R 21C 0 3FFF, " + Numbered("F{0}R {1:X} 0 FFFFFFFF", 28, 0x240, 4) },
            { "BKP", Numbered("DR{0} {1:X} 0 FFFF", 11, 0, 4) + ", RTCCR 2C 0 3FF, CR 30 0 3, CSR 34 0 4" },
            { "PWR", "CR 0 0 1F3, CSR 4 0 100" },
            { "ADC1", AdcStart },
            { "ADC2", AdcStart },
            { "CRC", "DR 0 FFFFFFFF 0, IDR 4 0 FF, CR 8 0 0" },
            { "ITM", Numbered("STIM{0} {1:X} 0 0", 32, 0, 4) + ", TER E00 0 FFFFFFFF, TPR E40 0 F, TCR E80 0 7F000F, LAR FB0 0 0, LSR FB4 3 0" },
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

        private const string SpiStart = "CR1 0 0 FFFF, CR2 4 0 E7, SR 8 2 10, DR C 0 FFFF, CRCPR 10 7 FFFF, RXCRCR 14 0 0, TXCRCR 18 0 0, I2SCFGR 1C 0 0, I2SPR 20 2 0";
        private const string I2cStart = "CR1 0 0 3CFB, CR2 4 0 1F3F, OAR1 8 0 C3FF, OAR2 C 0 FF, DR 10 0 FF, SR1 14 0 0, SR2 18 0 0, CCR 1C 0 CFFF, TRISE 20 2 3F";
        private const string AdcStart = "SR 0 0 0, CR1 4 0 CFFFFF, CR2 8 0 FEF903, SMPR1 C 0 FFFFFF, SMPR2 10 0 3FFFFFFF, JOFR1 14 0 FFF, JOFR2 18 0 FFF, JOFR3 1C 0 FFF, JOFR4 20 0 FFF, "
            + "HTR 24 FFF FFF, LTR 28 0 FFF, SQR1 2C 0 FFFFFF, SQR2 30 0 3FFFFFFF, SQR3 34 0 3FFFFFFF, JSQR 38 0 3FFFFF, JDR1 3C 0 0, JDR2 40 0 0, JDR3 44 0 0, JDR4 48 0 0, DR 4C 0 0";
    }
}
