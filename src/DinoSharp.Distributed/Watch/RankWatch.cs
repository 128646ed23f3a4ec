using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DinoSharp.Distributed.Watch;

/// <summary>
/// Knows whether the other ranks live, and ends this process when one does not: a rank that waits for another would wait for ever. The first
/// rank watches all others, they watch the first. It speaks for all; where it is the one that is gone, the next does. A thread of its own
/// does this, so that a rank may compute as long as it likes.
/// </summary>
internal sealed partial class RankWatch : IDisposable
{
    /// <summary>How long a rank may say nothing. It says something every second, however busy it is.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan BetweenSigns = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(0.25);

    /// <summary>Ranks that fail for one reason do so at about the same time; that is told once.</summary>
    private static readonly TimeSpan ForOtherFailures = TimeSpan.FromSeconds(0.4);
    private static readonly TimeSpan ForTheSpeaker = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan ForTheEnding = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan ForAVerdict = LongestSilence + TimeSpan.FromSeconds(2);

    private readonly int _rank;
    private readonly IReadOnlyList<RankPlace> _places;
    private readonly IReadOnlyList<RankLink> _links;
    private readonly Action<string> _tell;
    private readonly Action<int> _abort;
    private readonly string[] _gone;
    private readonly Thread _thread;
    private readonly Lock _noting = new();
    private readonly SortedDictionary<int, (string Line, int Code)> _failures = [];
    private long _firstFailure;
    private volatile bool _leaving;

    /// <param name="rank">this process's</param>
    /// <param name="places">of all ranks</param>
    /// <param name="links">the first rank's to all others, or another's to the first</param>
    /// <param name="tell">tells people a line</param>
    /// <param name="abort">has the launcher end all ranks with an exit code, a stopped one too</param>
    public RankWatch(
        int rank, IReadOnlyList<RankPlace> places, IReadOnlyList<RankLink> links, Action<string> tell, Action<int> abort)
    {
        (_rank, _places, _links, _tell, _abort) = (rank, places, links, tell, abort);
        _gone = [.. places.Select(place => $"{place} ended without a word: killed, perhaps for want of memory")];
        AppDomain.CurrentDomain.UnhandledException += OnUnhandledException;
        Prepare();
        _thread = new Thread(Watch) { IsBackground = true, Name = "watch over ranks" };
        _thread.Start();
    }

    /// <summary>What is done before this process ends because a rank failed, if it takes less than half a second.</summary>
    public Action? Ending { get; set; }

    /// <summary>Ends all ranks because this one cannot go on.</summary>
    [DoesNotReturn]
    public void Fail(string line, int code)
    {
        Note(_rank, line, code);
        AwaitVerdict();
        Exit($"{_places[_rank]}: {line}", code); // no word of the first rank
    }

    /// <summary>Waits until something that went wrong elsewhere ends this process, which may need the time of a silence.</summary>
    public static void AwaitVerdict() => Thread.Sleep(ForAVerdict);

    /// <summary>All ranks are done: from now on none is missed.</summary>
    public void Dispose()
    {
        _leaving = true;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandledException;
        foreach (var link in _links)
        {
            link.Say(Word.Leaving);
        }

        _thread.Join();
        foreach (var link in _links)
        {
            link.Dispose();
        }
    }

    private void Watch()
    {
        var lastLook = Stopwatch.GetTimestamp();
        var lastSign = lastLook;
        while (!_leaving)
        {
            var open = _links.Where(link => !link.Over).ToDictionary(link => link.Socket);
            if (open.Count == 0)
            {
                return;
            }

            var readable = open.Keys.ToList();
            Socket.Select(readable, null, null, BetweenLooks);

            // A process that was itself stopped has no right to hold the time against the others.
            var passed = Stopwatch.GetElapsedTime(lastLook);
            passed = passed < 2 * BetweenLooks ? passed : BetweenLooks;
            lastLook = Stopwatch.GetTimestamp();
            foreach (var link in open.Values)
            {
                link.Silence += passed;
            }

            foreach (var socket in readable)
            {
                Hear(open[socket]);
            }

            MissTheSilent(open.Values);
            if (Stopwatch.GetElapsedTime(lastSign) >= BetweenSigns)
            {
                lastSign = lastLook;
                foreach (var link in open.Values)
                {
                    link.Say(Word.Alive);
                }
            }

            JudgeFailures();
        }
    }

    /// <summary>
    /// Compiles now what is needed when a rank is gone: MPICH's launcher leaves the others a millisecond or so to say it before it ends them.
    /// </summary>
    private void Prepare()
    {
        const BindingFlags own =
            BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        foreach (var method in typeof(RankWatch).GetMethods(own).Concat(typeof(RankLink).GetMethods(own)))
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }

        RuntimeHelpers.PrepareDelegate(_tell);
    }

    private void Hear(RankLink link)
    {
        var said = link.Read();
        if (said is null && !link.Over && !HasFailed(link.Rank))
        {
            End(_gone[link.Rank], 1);
        }

        link.Silence = TimeSpan.Zero;
        foreach (var (word, code, text) in said ?? [])
        {
            switch (word)
            {
                case Word.Failed:
                    Note(link.Rank, text, code);
                    break;
                case Word.End:
                    Exit(null, code);
                    break;
                case Word.Leaving:
                    link.Over = true;
                    break;
            }
        }

        link.Over |= said is null;
    }

    private void MissTheSilent(IEnumerable<RankLink> links)
    {
        if (links.FirstOrDefault(link => !link.Over && link.Silence > LongestSilence) is { } silent)
        {
            End(
                $"{_places[silent.Rank]} has given no sign of life for {LongestSilence.TotalSeconds:0} seconds: "
                + "stopped, or its machine is out of reach",
                1,
                _abort);
        }
    }

    private bool HasFailed(int rank)
    {
        lock (_noting)
        {
            return _failures.ContainsKey(rank);
        }
    }

    /// <summary>The first rank keeps in mind what went wrong where; the others tell it.</summary>
    private void Note(int rank, string line, int code)
    {
        line = line.ReplaceLineEndings(" ");
        if (_rank != 0)
        {
            _links[0].Say(Word.Failed, code, line);
            return;
        }

        lock (_noting)
        {
            _firstFailure = _failures.Count == 0 ? Stopwatch.GetTimestamp() : _firstFailure;
            _failures.TryAdd(rank, (line, code));
        }
    }

    private void JudgeFailures()
    {
        lock (_noting)
        {
            if (_failures.Count == 0 || (_failures.Count < _places.Count && Stopwatch.GetElapsedTime(_firstFailure) < ForOtherFailures))
            {
                return;
            }

            var different = _failures.GroupBy(failure => failure.Value.Line).ToList();
            bool same = different.Count == 1 && _failures.Count == _places.Count;
            string told = string.Join(
                Environment.NewLine, different.Select(group => same ? group.Key : $"{_places[group.First().Key]}: {group.Key}"));
            End(told, _failures.First().Value.Code);
        }
    }

    /// <summary>Ends all ranks; one of them speaks.</summary>
    [DoesNotReturn]
    private void End(string line, int code, Action<int>? abort = null)
    {
        // Where the first is gone, the second speaks. The others give it time, as a launcher ends all when one ends.
        if (_rank > 1)
        {
            Thread.Sleep(ForTheSpeaker);
        }

        Exit(_rank > 1 ? null : line, code, abort);
    }

    /// <summary>
    /// Ends this process where it stands: other threads may be in the midst of computing, with memory that an orderly exit would take away
    /// under them.
    /// </summary>
    [DoesNotReturn]
    private void Exit(string? line, int code, Action<int>? abort = null)
    {
        if (line is not null)
        {
            _tell(line);
        }

        foreach (var link in _links)
        {
            link.Say(Word.End, code); // also to the first, which may have been stopped and go on
        }

        if (Ending is { } ending)
        {
            Thread thread = new(() => ending()) { IsBackground = true };
            thread.Start();
            thread.Join(ForTheEnding);
        }

        abort?.Invoke(code);
        EndProcess(code);
        throw new UnreachableException();
    }

    /// <summary>A fault of this program, whose trace is wanted, on whatever thread.</summary>
    private void OnUnhandledException(object sender, UnhandledExceptionEventArgs failure)
    {
        Console.Error.WriteLine(failure.ExceptionObject);
        Fail(failure.ExceptionObject is Exception error ? $"{error.GetType().Name}: {error.Message}" : "unhandled exception", 1);
    }

    [LibraryImport("libc.so.6", EntryPoint = "_exit")]
    private static partial void EndProcess(int code);
}
