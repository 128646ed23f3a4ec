using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace DinoSharp.Distributed.Watch;

/// <summary>How the first rank is reached.</summary>
/// <param name="Addresses">of its machine</param>
/// <param name="Port">TCP</param>
/// <param name="Secret">known to the ranks alone, so that nobody else takes the place of one</param>
internal sealed record Door(string[] Addresses, int Port, byte[] Secret);

/// <summary>
/// Where the other ranks meet the first, each with a connection of its own beside MPI. The kernel closes it when a process is gone, at once
/// and however it went, and it carries a few bytes a second that say that the process is not stopped.
/// </summary>
internal sealed class MeetingPoint : IDisposable
{
    private const int SecretBytes = 16;
    private const int GreetingBytes = SecretBytes + sizeof(int);
    private static readonly TimeSpan UntilAllCame = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ForOneAddress = TimeSpan.FromSeconds(3);

    private readonly TcpListener _listener = TcpListener.Create(0);

    public MeetingPoint()
    {
        _listener.Start();
        Door = new Door([.. Addresses()], ((IPEndPoint)_listener.LocalEndpoint).Port, RandomNumberGenerator.GetBytes(SecretBytes));
    }

    /// <summary>What the others need to know.</summary>
    public Door Door { get; }

    /// <summary>Waits for all other ranks.</summary>
    /// <returns>by rank, from 1</returns>
    /// <exception cref="ProcessGroupException">One did not come.</exception>
    public IReadOnlyList<RankLink> Accept(IReadOnlyList<RankPlace> places)
    {
        var links = new RankLink?[places.Count];
        using CancellationTokenSource limit = new(UntilAllCame);
        while (links.Skip(1).Any(link => link is null))
        {
            Socket socket;
            try
            {
                socket = _listener.AcceptSocketAsync(limit.Token).AsTask().GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                int missing = Array.IndexOf(links, null, 1);
                throw new ProcessGroupException(
                    $"{places[missing]} did not reach {places[0]} on TCP port {Door.Port} within {UntilAllCame.TotalSeconds} s");
            }

            if (Greeted(socket) is { } rank && rank > 0 && rank < links.Length && links[rank] is null)
            {
                socket.Send(Door.Secret.AsSpan(0, 1)); // so that it knows that it is here, and not with another that listens
                links[rank] = new RankLink(rank, socket);
            }
            else
            {
                socket.Dispose();
            }
        }

        return links[1..]!;
    }

    /// <summary>Goes to the first rank, by the first of its addresses that leads there.</summary>
    /// <exception cref="ProcessGroupException">None does.</exception>
    public static RankLink Connect(IReadOnlyList<RankPlace> places, int rank)
    {
        var door = places[0].Door!;
        string[] near = places[rank].Boot == places[0].Boot ? ["127.0.0.1"] : [];
        string[] addresses = [.. near, .. door.Addresses];
        return addresses.Select(address => TryConnect(IPAddress.Parse(address), door, rank)).FirstOrDefault(link => link is not null)
            ?? throw new ProcessGroupException(
                $"{places[rank]} does not reach {places[0]} on TCP port {door.Port} of {string.Join(", ", addresses)}: is there a firewall?");
    }

    public void Dispose() => _listener.Dispose();

    private static RankLink? TryConnect(IPAddress address, Door door, int rank)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using CancellationTokenSource limit = new(ForOneAddress);
            socket.ConnectAsync(address, door.Port, limit.Token).AsTask().GetAwaiter().GetResult();
            byte[] greeting = new byte[GreetingBytes];
            door.Secret.CopyTo(greeting, 0);
            BinaryPrimitives.WriteInt32LittleEndian(greeting.AsSpan(SecretBytes), rank);
            socket.Send(greeting);
            byte[] answer = new byte[1];
            socket.ReceiveTimeout = (int)UntilAllCame.TotalMilliseconds;
            if (socket.Receive(answer) == 1 && answer[0] == door.Secret[0])
            {
                return new RankLink(0, socket);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // not by this address
        }

        socket.Dispose();
        return null;
    }

    /// <summary>The rank of who came; null for a stranger.</summary>
    private int? Greeted(Socket socket)
    {
        byte[] greeting = new byte[GreetingBytes];
        socket.ReceiveTimeout = (int)ForOneAddress.TotalMilliseconds;
        try
        {
            for (int read = 0; read < greeting.Length;)
            {
                int count = socket.Receive(greeting, read, greeting.Length - read, SocketFlags.None);
                if (count == 0)
                {
                    return null;
                }

                read += count;
            }
        }
        catch (SocketException)
        {
            return null;
        }

        return CryptographicOperations.FixedTimeEquals(greeting.AsSpan(0, SecretBytes), Door.Secret)
            ? BinaryPrimitives.ReadInt32LittleEndian(greeting.AsSpan(SecretBytes))
            : null;
    }

    private static IEnumerable<string> Addresses() =>
        from network in NetworkInterface.GetAllNetworkInterfaces()
        where network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback
        from address in network.GetIPProperties().UnicastAddresses
        where !address.Address.IsIPv6LinkLocal
        select address.Address.ToString();
}
