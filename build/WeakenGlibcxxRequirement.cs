using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Sets VER_FLG_WEAK on the GLIBCXX_3.4.32 entry of a library's version requirements (.gnu.version_r), so that a system with an
/// older libstdc++ loads it. Does nothing where the system has that version, or where the bit is set already.
/// Layout of the tables: "Linux Standard Base Core, Symbol Versioning", section 10.7.
/// </summary>
public sealed class WeakenGlibcxxRequirement : Task
{
    private const string Version = "GLIBCXX_3.4.32";
    private const uint SectionVersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 0x2; // VER_FLG_WEAK

    [Required]
    public string Library { get; set; }

    public override bool Execute()
    {
        if (SystemHasVersion())
        {
            return true;
        }

        byte[] elf = File.ReadAllBytes(Library);
        int flags = FindVersionFlags(elf);
        if (flags < 0 || (elf[flags] & Weak) != 0)
        {
            return true;
        }

        elf[flags] |= (byte)Weak;
        // The output file may be a hard link into the package cache: write a new file and put it in the link's place.
        string beside = Library + ".weak";
        File.WriteAllBytes(beside, elf);
        File.Delete(Library);
        File.Move(beside, Library);
        Log.LogMessage(MessageImportance.Normal, "Marked {0} as weak in {1}: this system's libstdc++ is older.", Version, Library);
        return true;
    }

    /// <summary>The offset of vna_flags of the version's entry, or -1. 64-bit little-endian ELF only, as the package is.</summary>
    private static int FindVersionFlags(byte[] elf)
    {
        long sections = BitConverter.ToInt64(elf, 40);
        int size = BitConverter.ToUInt16(elf, 58), count = BitConverter.ToUInt16(elf, 60);
        for (int s = 0; s < count; s++)
        {
            int header = (int)sections + s * size;
            if (BitConverter.ToUInt32(elf, header + 4) != SectionVersionNeeds)
            {
                continue;
            }

            int strings = (int)BitConverter.ToInt64(elf, (int)sections + (int)BitConverter.ToUInt32(elf, header + 40) * size + 24);
            int need = (int)BitConverter.ToInt64(elf, header + 24);
            while (true)
            {
                int entries = BitConverter.ToUInt16(elf, need + 2);
                int entry = need + (int)BitConverter.ToUInt32(elf, need + 8);
                for (int e = 0; e < entries; e++)
                {
                    int name = strings + (int)BitConverter.ToUInt32(elf, entry + 8);
                    if (Encoding.ASCII.GetString(elf, name, Version.Length + 1) == Version + "\0")
                    {
                        return entry + 4;
                    }

                    entry += (int)BitConverter.ToUInt32(elf, entry + 12);
                }

                int next = (int)BitConverter.ToUInt32(elf, need + 12);
                if (next == 0)
                {
                    break;
                }

                need += next;
            }
        }

        return -1;
    }

    private static bool SystemHasVersion()
    {
        string[] folders = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib", "/lib" };
        string found = folders.Select(f => Path.Combine(f, "libstdc++.so.6")).FirstOrDefault(File.Exists);
        return found != null && Encoding.GetEncoding("ISO-8859-1").GetString(File.ReadAllBytes(found)).Contains(Version + "\0");
    }
}
