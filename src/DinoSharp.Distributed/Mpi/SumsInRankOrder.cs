using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// Sums over the ranks, many at a time. Each value is added on one rank, in the order of the ranks, and given to all: so every rank has the
/// same bits, whatever the library, and a run that is resumed has those of the run that was not. MPI_Allreduce promises neither.
/// A sum is cut into pieces. Of a piece each rank gets its part from all (MPI_Ialltoallv), adds, and gives the sum to all (MPI_Iallgatherv);
/// a small piece all send to all, and each adds it. Pieces are taken up in the order in which they were begun, each half under a
/// communicator of its own, so that all ranks start the same operations in the same order. The caller sees that one thread at a time is here.
/// </summary>
internal sealed unsafe class SumsInRankOrder : IDisposable
{
    private const int PieceBytes = 1 << 20;
    private const int PiecesUnderWay = 4;
    private const int SmallBytes = 8 << 10;

    private readonly MpiLibrary _mpi;
    private readonly int _rank;
    private readonly int _size;
    private readonly nint _exchanges;
    private readonly nint _gatherings;
    private readonly Queue<Sum> _begun = [];
    private readonly Queue<Piece> _exchanging = [];
    private readonly Queue<Piece> _gathering = [];
    private readonly Stack<Piece> _free = [];

    public SumsInRankOrder(MpiLibrary mpi, int rank, int size)
    {
        (_mpi, _rank, _size) = (mpi, rank, size);
        (_exchanges, _gatherings) = (mpi.NewCommunicator(), mpi.NewCommunicator());
        for (int i = 0; i < PiecesUnderWay; i++)
        {
            _free.Push(new Piece(size));
        }
    }

    /// <summary>Whether nothing is under way.</summary>
    public bool Idle => _begun.Count + _exchanging.Count + _gathering.Count == 0;

    /// <summary>Bytes that came from the other ranks.</summary>
    public long BytesReceived { get; private set; }

    public Sum Begin(Tensor values)
    {
        Sum sum = new(TensorMemory.AddressOf(values), TensorMemory.BytesOf(values), values.dtype);
        if (!sum.Done)
        {
            _begun.Enqueue(sum);
            Advance();
        }

        return sum;
    }

    /// <summary>Does what can be done by now.</summary>
    /// <returns>whether that was anything</returns>
    public bool Advance()
    {
        bool advanced = false;
        while (_gathering.TryPeek(out var piece) && _mpi.IsDone(ref piece.Request))
        {
            Finish(_gathering.Dequeue());
            advanced = true;
        }

        while (_exchanging.TryPeek(out var piece) && _mpi.IsDone(ref piece.Request))
        {
            AfterExchange(_exchanging.Dequeue());
            advanced = true;
        }

        while (_free.Count > 0 && _begun.TryPeek(out var sum))
        {
            Exchange(_free.Pop(), sum);
            if (sum.AllCut)
            {
                _begun.Dequeue();
            }

            advanced = true;
        }

        return advanced;
    }

    public void Dispose()
    {
        _mpi.Free(_exchanges);
        _mpi.Free(_gatherings);
        foreach (var piece in _free)
        {
            piece.Dispose();
        }
    }

    private void Exchange(Piece piece, Sum sum)
    {
        piece.Take(sum, _rank);
        piece.Request = piece.Small
            ? _mpi.BeginGather(piece.Values, piece.Bytes, piece.Terms, _exchanges)
            : _mpi.BeginExchange(
                piece.Values, piece.Parts, piece.PartOffsets, piece.Terms, piece.OwnParts, piece.TermOffsets, _exchanges);
        BytesReceived += piece.BytesToCome;
        _exchanging.Enqueue(piece);
    }

    private void AfterExchange(Piece piece)
    {
        piece.AddTerms();
        if (piece.Small)
        {
            Buffer.MemoryCopy(piece.Terms, piece.Values, piece.Bytes, piece.Bytes);
            Finish(piece);
            return;
        }

        piece.Request = _mpi.BeginGather(piece.Terms, piece.OwnParts[0], piece.Values, piece.Parts, piece.PartOffsets, _gatherings);
        _gathering.Enqueue(piece);
    }

    private void Finish(Piece piece)
    {
        piece.Sum!.PiecesLeft--;
        piece.Sum = null;
        _free.Push(piece);
    }

    /// <summary>One sum: which values, and how much is left of it.</summary>
    internal sealed class Sum(byte* values, long bytes, ScalarType type)
    {
        private long _cut;

        public ScalarType Type => type;

        /// <summary>Keeps the values' memory until the sum is done, whatever becomes of the caller's own tensor.</summary>
        public Tensor? Held { get; set; }

        public long PiecesLeft { get; set; } = (bytes + PieceBytes - 1) / PieceBytes;

        public bool Done => PiecesLeft == 0;

        public bool AllCut => _cut == bytes;

        public byte* CutPiece(out int length)
        {
            byte* start = values + _cut;
            length = (int)Math.Min(PieceBytes, bytes - _cut);
            _cut += length;
            return start;
        }
    }

    /// <summary>A piece of a sum on its way, with the memory that it needs; the memory is used again.</summary>
    private sealed class Piece : IDisposable
    {
        private readonly int _ranks;
        private readonly int* _numbers;

        public Piece(int ranks)
        {
            _ranks = ranks;
            _numbers = (int*)NativeMemory.Alloc((nuint)ranks * 4, sizeof(int));
            Terms = (byte*)NativeMemory.AlignedAlloc((nuint)(PieceBytes + sizeof(long) * ranks + SmallBytes * ranks), 64);
        }

        /// <summary>The operation under way.</summary>
        public nint Request;

        public Sum? Sum { get; set; }

        public byte* Values { get; private set; }

        public int Bytes { get; private set; }

        public bool Small => Bytes <= SmallBytes;

        /// <summary>From the other ranks: their terms, and the sums that they add.</summary>
        public int BytesToCome => Small ? (_ranks - 1) * Bytes : (_ranks - 1) * OwnParts[0] + Bytes - OwnParts[0];

        /// <summary>Each rank's part of the values, in bytes, and where it begins.</summary>
        public int* Parts => _numbers;

        public int* PartOffsets => _numbers + _ranks;

        /// <summary>What comes from each rank, this rank's part n times, and where it goes in <see cref="Terms"/>.</summary>
        public int* OwnParts => _numbers + 2 * _ranks;

        public int* TermOffsets => _numbers + 3 * _ranks;

        /// <summary>What the ranks have, to be added into the first.</summary>
        public byte* Terms { get; }

        public void Take(Sum sum, int rank)
        {
            Sum = sum;
            Values = sum.CutPiece(out int bytes);
            Bytes = bytes;
            int width = sum.Type == ScalarType.Float32 ? sizeof(float) : sizeof(long);
            long elements = Bytes / width;
            for (int r = 0; r < _ranks; r++)
            {
                PartOffsets[r] = (int)(elements * r / _ranks) * width;
                Parts[r] = (int)(elements * (r + 1) / _ranks) * width - PartOffsets[r];
            }

            for (int r = 0; r < _ranks; r++)
            {
                OwnParts[r] = Parts[rank];
                TermOffsets[r] = r * Parts[rank];
            }
        }

        public void AddTerms()
        {
            int bytes = Small ? Bytes : OwnParts[0];
            for (int r = 1; r < _ranks; r++)
            {
                byte* term = Terms + (long)r * bytes;
                switch (Sum!.Type)
                {
                    case ScalarType.Float32:
                        Add(new Span<float>(Terms, bytes / sizeof(float)), new ReadOnlySpan<float>(term, bytes / sizeof(float)));
                        break;
                    case ScalarType.Float64:
                        Add(new Span<double>(Terms, bytes / sizeof(double)), new ReadOnlySpan<double>(term, bytes / sizeof(double)));
                        break;
                    default:
                        Add(new Span<long>(Terms, bytes / sizeof(long)), new ReadOnlySpan<long>(term, bytes / sizeof(long)));
                        break;
                }
            }
        }

        public void Dispose()
        {
            NativeMemory.Free(_numbers);
            NativeMemory.AlignedFree(Terms);
        }

        private static void Add<T>(Span<T> sum, ReadOnlySpan<T> term)
            where T : unmanaged, INumber<T>
        {
            var wide = MemoryMarshal.Cast<T, Vector<T>>(sum);
            var wideTerm = MemoryMarshal.Cast<T, Vector<T>>(term);
            for (int i = 0; i < wide.Length; i++)
            {
                wide[i] += wideTerm[i];
            }

            for (int i = wide.Length * Vector<T>.Count; i < sum.Length; i++)
            {
                sum[i] += term[i];
            }
        }
    }
}
