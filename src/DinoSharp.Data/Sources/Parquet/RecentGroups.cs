namespace DinoSharp.Data;

/// <summary>
/// The row groups read last, so that going through a table image by image, by several threads even, reads each but once. Any number of
/// threads may use it; those that want the same group wait for one of them to read it.
/// </summary>
/// <param name="open">Reads a group.</param>
internal sealed class RecentGroups(Func<int, ParquetGroup> open) : IDisposable
{
    /// <summary>One that threads are still in, and the one that follows.</summary>
    private const int Kept = 2;

    private readonly Lock _gate = new();
    private readonly List<Slot> _slots = [];

    public EncodedImage Read(int group, int row, string name)
    {
        Slot slot = Take(group);
        try
        {
            lock (slot.Gate)
            {
                slot.Group ??= open(group);
            }

            return slot.Group.Read(row, name);
        }
        finally
        {
            Leave(slot);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _slots.ForEach(slot => slot.Group?.Dispose());
            _slots.Clear();
        }
    }

    /// <summary>Finds the group's slot, or makes one in place of the one that was used least lately; its users still keep that.</summary>
    private Slot Take(int number)
    {
        lock (_gate)
        {
            Slot? slot = _slots.Find(slot => slot.Number == number);
            if (slot is null)
            {
                slot = new Slot(number);
                if (_slots.Count == Kept)
                {
                    Drop(_slots[0]);
                }
            }
            else
            {
                _slots.Remove(slot);
            }

            _slots.Add(slot);
            slot.Users++;
            return slot;
        }
    }

    private void Leave(Slot slot)
    {
        lock (_gate)
        {
            slot.Users--;
            if (!_slots.Contains(slot) && slot.Users == 0)
            {
                slot.Group?.Dispose();
            }
        }
    }

    private void Drop(Slot slot)
    {
        _slots.Remove(slot);
        if (slot.Users == 0)
        {
            slot.Group?.Dispose();
        }
    }

    private sealed class Slot(int number)
    {
        public int Number { get; } = number;

        public Lock Gate { get; } = new();

        public ParquetGroup? Group { get; set; }

        /// <summary>Threads that read from the group now.</summary>
        public int Users { get; set; }
    }
}
