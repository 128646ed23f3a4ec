using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace DinoSharp.Checkpoints;

/// <summary>Arrays by name, in the order they were added.</summary>
public sealed class NamedArrays : IReadOnlyCollection<KeyValuePair<string, ArrayData>>
{
    private readonly OrderedDictionary<string, ArrayData> _arrays = new(StringComparer.Ordinal);

    /// <summary>How many arrays there are.</summary>
    public int Count => _arrays.Count;

    /// <summary>The names, in order.</summary>
    public IEnumerable<string> Names => _arrays.Keys;

    /// <summary>The array of this name.</summary>
    public ArrayData this[string name] => _arrays[name];

    /// <summary>Adds an array; a name may stand once.</summary>
    /// <exception cref="InvalidDataException">The name is there already.</exception>
    public void Add(string name, ArrayData array)
    {
        if (!_arrays.TryAdd(name, array))
        {
            throw new InvalidDataException($"tensor {name} stands there twice");
        }
    }

    /// <summary>Whether the name is there, and its array.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out ArrayData? array) => _arrays.TryGetValue(name, out array);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, ArrayData>> GetEnumerator() => _arrays.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
