using System.Reflection;
using System.Reflection.Emit;
using DinoSharp.Cuda;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>
/// A value that is brought from a GPU, or to it other than by <see cref="HostValues.Bring"/>, waits for all that the GPU has been given. Of all code
/// that a step may come to, none does so. The code is read as it was compiled, so that it needs no GPU and no way through it is missed.
/// </summary>
public sealed class DeviceStepTests
{
    /// <summary>Of <see cref="Tensor"/>, and the conversions of it to numbers.</summary>
    private static readonly string[] Reading =
        ["item", "cpu", "data", "get_bytes", "tolist", "nonzero", "masked_select", "ToSingle", "ToDouble", "ToInt64", "ToInt32", "ToBoolean", "op_Explicit"];

    /// <summary>
    /// What may read: a step's numbers, in those steps in which they are to be told; the place in a queue, which lies on the CPU whatever the device;
    /// and what asks first whether a tensor is on the CPU, or is come to only where one is.
    /// </summary>
    private static readonly string[] MayRead =
    [
        "StepNumbers.Read", "QueuedKeys.get_Position", "TensorMemory.AddressOf", "GradientClipping.ClipEach", "AdamWOptimizer.Part", "KeptRows.Of",
        "KeptRows.Rows",
    ];

    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Dictionary<short, OpCode> OpCodesByValue =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    [Fact]
    public void Nothing_that_a_step_comes_to_waits_for_a_gpu()
    {
        MethodBase[] own = [.. Assemblies().SelectMany(a => a.GetTypes()).SelectMany(Methods).Where(m => m.GetMethodBody() is not null)];
        var calls = own.ToDictionary(method => method, method => Calls(method).Distinct().ToArray());
        var overrides = own.OfType<MethodInfo>().Where(m => m.IsVirtual).ToLookup(m => m.Name.Split('.')[^1]);

        Dictionary<MethodBase, MethodBase?> reached = [];
        Queue<MethodBase> open = [];
        foreach (var root in own.Where(IsRoot))
        {
            Reach(root, null);
        }

        while (open.TryDequeue(out var method))
        {
            foreach (var called in calls[method])
            {
                Reach(Definition(called), method);
                foreach (var other in called.IsVirtual && IsOurs(called.DeclaringType!)
                    ? overrides[called.Name].Where(m => called.DeclaringType!.IsAssignableFrom(m.DeclaringType)) : [])
                {
                    Reach(other, method);
                }
            }
        }

        Assert.Contains(reached.Keys, method => NameOf(method) == "StepNumbers.Read"); // found by way of the trainer's step
        Assert.Contains(reached.Keys, method => method.DeclaringType!.Name == "SharedNormalization"); // and by way of networks
        string[] waiting = [.. reached.Keys.Where(method => !MayRead.Contains(NameOf(method))).SelectMany(Faults)];
        Assert.True(waiting.Length == 0, string.Join('\n', waiting));

        void Reach(MethodBase method, MethodBase? from)
        {
            if (calls.ContainsKey(method) && reached.TryAdd(method, from))
            {
                open.Enqueue(method);
            }
        }

        IEnumerable<string> Faults(MethodBase method)
        {
            foreach (var called in calls[method].Where(called => called.DeclaringType?.Namespace == "TorchSharp"))
            {
                bool reads = called.DeclaringType!.Name is "Tensor" or "TensorExtensionMethods" && Reading.Contains(called.Name);
                bool brings = called.Name == "tensor" && called.DeclaringType == typeof(torch)
                    || called.Name == "to" && called.DeclaringType == typeof(Tensor) && called.GetParameters()[0].ParameterType == typeof(Device);
                if (reads || brings && method.DeclaringType != typeof(HostValues) && !calls[method].Any(other => other.Name == nameof(HostValues.Bring)))
                {
                    yield return $"{called.DeclaringType.Name}.{called.Name} in {Way(method)}";
                }
            }
        }

        string Way(MethodBase? method)
        {
            List<string> way = [];
            for (; method is not null; method = reached[method])
            {
                way.Add(NameOf(method));
            }

            return string.Join(" from ", way);
        }
    }

    private static HashSet<Assembly> Assemblies()
    {
        HashSet<Assembly> found = [typeof(MethodCatalogue).Assembly];
        Queue<Assembly> open = new(found);
        while (open.TryDequeue(out var assembly))
        {
            foreach (var name in assembly.GetReferencedAssemblies().Where(name => name.Name!.StartsWith("DinoSharp.", StringComparison.Ordinal)))
            {
                var other = Assembly.Load(name);
                if (found.Add(other))
                {
                    open.Enqueue(other);
                }
            }
        }

        return found;
    }

    private static IEnumerable<MethodBase> Methods(Type type) => [.. type.GetMethods(Declared), .. type.GetConstructors(Declared)];

    /// <summary>A trainer's step, and what torch calls by itself in one: layers, and backward passes of our own functions.</summary>
    private static bool IsRoot(MethodBase method) =>
        (method.DeclaringType == typeof(Trainer) && method.Name == nameof(Trainer.Step))
        || (method.Name == "forward" && typeof(nn.Module).IsAssignableFrom(method.DeclaringType))
        || (method.Name is "forward" or "backward" && BasesOf(method.DeclaringType!).Any(type => type.Name.Contains("TensorFunction", StringComparison.Ordinal)));

    private static bool IsOurs(Type type) => type.Namespace?.Split('.')[0] is "DinoSharp" or "TorchSharp";

    private static IEnumerable<Type> BasesOf(Type type)
    {
        for (var current = type.BaseType; current is not null; current = current.BaseType)
        {
            yield return current;
        }
    }

    private static string NameOf(MethodBase method) => $"{method.DeclaringType!.Name}.{method.Name}";

    /// <summary>The method as it is declared, whatever its types are.</summary>
    private static MethodBase Definition(MethodBase method) =>
        method.DeclaringType is { IsGenericType: true } || method.IsGenericMethod ? method.Module.ResolveMethod(method.MetadataToken)! : method;

    /// <summary>What a method calls, or makes a delegate of; of an iterator what its steps call.</summary>
    private static IEnumerable<MethodBase> Calls(MethodBase method)
    {
        byte[] code = method.GetMethodBody()!.GetILAsByteArray()!;
        Type[]? types = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? own = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int i = 0; i < code.Length;)
        {
            var operation = OpCodesByValue[code[i] == 0xfe ? (short)(0xfe00 | code[i + 1]) : code[i]];
            i += operation.Size;
            if (operation.OperandType == OperandType.InlineMethod)
            {
                var called = method.Module.ResolveMethod(BitConverter.ToInt32(code, i), types, own)!;
                yield return called;
                if (operation == OpCodes.Newobj && called.DeclaringType!.Name.Contains(">d__", StringComparison.Ordinal))
                {
                    yield return called.DeclaringType.GetMethod("MoveNext", Declared)!;
                }
            }

            i += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, i),
                _ => 4,
            };
        }
    }
}
