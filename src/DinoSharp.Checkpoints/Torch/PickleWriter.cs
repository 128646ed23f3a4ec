using System.Buffers;
using System.Buffers.Binary;
using System.Collections;
using System.Numerics;
using System.Text;

namespace DinoSharp.Checkpoints;

/// <summary>
/// Writes a pickle of protocol 2, torch.save's, of the values <see cref="PickleReader"/> gives. Arrays become tensors whose memory,
/// each its own, is gathered in <see cref="Storages"/>.
/// </summary>
internal sealed class PickleWriter
{
    private const int Deepest = 100; // a value that holds itself has no end

    private readonly ArrayBufferWriter<byte> _pickle = new();
    private int _depth;

    /// <summary>The tensors' memory, in the order of their keys 0, 1, ...</summary>
    public List<ArrayData> Storages { get; } = [];

    /// <summary>The whole pickle of one object.</summary>
    public ReadOnlySpan<byte> Write(object? root)
    {
        _pickle.Write<byte>([0x80, 2]);
        Value(root);
        Op('.');
        return _pickle.WrittenSpan;
    }

    private void Value(object? value)
    {
        if (++_depth > Deepest)
        {
            throw new ArgumentException("values are nested too deep for a torch.save file, or hold themselves", nameof(value));
        }

        Encode(value);
        _depth--;
    }

    private void Encode(object? value)
    {
        switch (value)
        {
            case null:
                Op('N');
                break;
            case bool truth:
                _pickle.Write<byte>([(byte)(truth ? 0x88 : 0x89)]);
                break;
            case int number:
                Integer(number);
                break;
            case long number:
                Integer(number);
                break;
            case BigInteger number:
                BigInteger(number);
                break;
            case double number:
                Op('G');
                Span<byte> bigEndian = stackalloc byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(bigEndian, number);
                _pickle.Write(bigEndian);
                break;
            case string text:
                Text(text);
                break;
            case byte[] data: // protocol 2 has no bytes: Python itself writes them so
                Global("_codecs", "encode");
                Tuple(Encoding.Latin1.GetString(data), "latin1");
                Op('R');
                break;
            case ArrayData array:
                Tensor(array);
                break;
            case PickledNamespace space:
                Global("argparse", "Namespace");
                Op(')');
                _pickle.Write<byte>([0x81]);
                Dictionary(space.Values.Select(v => ((object)v.Key, v.Value)));
                Op('b');
                break;
            case OrderedDictionary<object, object?> dictionary:
                Dictionary(dictionary.Select(v => (v.Key, v.Value)));
                break;
            case object?[] tuple:
                Tuple(tuple);
                break;
            case IList list:
                Op(']');
                Op('(');
                foreach (object? element in list)
                {
                    Value(element);
                }

                Op('e');
                break;
            default:
                throw new ArgumentException($"a {value.GetType().Name} has no place in a torch.save file", nameof(value));
        }
    }

    /// <summary>torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks).</summary>
    private void Tensor(ArrayData array)
    {
        object?[] shape = [.. array.Shape.Cast<object?>()];
        object?[] strides = new object?[shape.Length];
        long stride = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= Math.Max(array.Shape[d], 1);
        }

        Global("torch._utils", "_rebuild_tensor_v2");
        Op('(');
        Op('(');
        Text("storage");
        Global("torch", TorchStorage.ClassOf(array.Type));
        Text(Storages.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Text("cpu");
        Integer(array.Count);
        Op('t');
        Op('Q');
        Integer(0);
        Tuple(shape);
        Tuple(strides);
        Value(false);
        Global("collections", "OrderedDict");
        Op(')');
        Op('R');
        Op('t');
        Op('R');
        Storages.Add(array);
    }

    private void Dictionary(IEnumerable<(object Key, object? Value)> entries)
    {
        Op('}');
        Op('(');
        foreach (var (key, value) in entries)
        {
            Value(key);
            Value(value);
        }

        Op('u');
    }

    private void Tuple(params object?[] elements)
    {
        Op('(');
        foreach (object? element in elements)
        {
            Value(element);
        }

        Op('t');
    }

    private void Integer(long number)
    {
        if (number is < int.MinValue or > int.MaxValue)
        {
            BigInteger(number);
            return;
        }

        Op('J');
        Int32((int)number);
    }

    private void BigInteger(BigInteger number)
    {
        byte[] littleEndian = number.ToByteArray();
        if (littleEndian.Length <= byte.MaxValue)
        {
            _pickle.Write<byte>([0x8a, (byte)littleEndian.Length]); // torch.load(weights_only=True) knows only this form
        }
        else
        {
            _pickle.Write<byte>([0x8b]);
            Int32(littleEndian.Length);
        }

        _pickle.Write(littleEndian);
    }

    private void Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Op('X');
        Int32(utf8.Length);
        _pickle.Write(utf8);
    }

    private void Global(string module, string name) => _pickle.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private void Int32(int number)
    {
        Span<byte> littleEndian = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(littleEndian, number);
        _pickle.Write(littleEndian);
    }

    private void Op(char opcode) => _pickle.Write<byte>([(byte)opcode]);
}
