using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// Products of many rows with one weight. The weight is laid out anew, as panels of 32 columns; rows are read as they lie, which spares them the
/// copies that libraries make for long products: a tenth of the time at the widths of transformers.
/// </summary>
internal static unsafe class RowProduct
{
    /// <summary>So many rows are a part: their factors stay in the second cache while all columns pass.</summary>
    public const int RowsOfPart = 4 * ProductTile.Rows;

    /// <summary>x Wᵀ + b</summary>
    /// <param name="input">contiguous, at least 14 rows // [T, in]</param>
    /// <param name="weight">out is a multiple of 32 // [out, in]</param>
    /// <param name="bias">may be null // [out]</param>
    /// <returns>// [T, out]</returns>
    public static Tensor WithTransposed(Tensor input, Tensor weight, Tensor? bias) => Of(input, weight, transposed: true, bias);

    /// <summary>g W</summary>
    /// <param name="input">contiguous, at least 14 rows // [T, out]</param>
    /// <param name="weight">in is a multiple of 32 // [out, in]</param>
    /// <returns>// [T, in]</returns>
    public static Tensor With(Tensor input, Tensor weight) => Of(input, weight, transposed: false, bias: null);

    /// <summary>A weight as <see cref="Multiply"/> takes it: panels of 32 columns of W, or of Wᵀ // [columns / 32, steps, 32]</summary>
    /// <param name="weight">// [steps, columns], or [columns, steps]</param>
    /// <param name="transposed">whether Wᵀ is multiplied by</param>
    public static Tensor LayOut(Tensor weight, bool transposed)
    {
        var panels = empty(weight.numel());
        using var laid = weight.contiguous();
        var job = new Layout
        {
            Weight = Floats.Of(laid),
            Panels = Floats.Of(panels),
            Steps = (nint)weight.size(transposed ? 1 : 0),
            Columns = (nint)weight.size(transposed ? 0 : 1),
        };
        TorchThreads.Run((int)(job.Columns / ProductTile.Columns), transposed ? &LayOutTransposed : &LayOut, &job);
        return panels;
    }

    /// <summary>A part's rows times a weight that was laid out, plus a bias.</summary>
    /// <param name="input">// [rows, steps]</param>
    /// <param name="rows">at least 14</param>
    /// <param name="steps">length of a row</param>
    /// <param name="panels">of the weight</param>
    /// <param name="columns">of the weight</param>
    /// <param name="bias">may be null // [columns]</param>
    /// <param name="output">// [rows, columns]</param>
    public static void Multiply(float* input, nint rows, nint steps, float* panels, nint columns, float* bias, float* output)
    {
        for (nint column = 0; column < columns; column += ProductTile.Columns)
        {
            for (nint next = 0; next < rows; next += ProductTile.Rows)
            {
                nint row = Math.Min(next, rows - ProductTile.Rows); // the last tile overlaps the one before; what both compute is the same
                ProductTile.Compute(
                    input + row * steps, steps, 1, panels + column * steps, steps, bias == null ? null : bias + column,
                    output + row * columns + column, columns, addToSums: false);
            }
        }
    }

    private static Tensor Of(Tensor input, Tensor weight, bool transposed, Tensor? bias)
    {
        using var panels = LayOut(weight, transposed);
        long columns = weight.size(transposed ? 0 : 1);
        var output = empty(input.size(0), columns);
        var job = new Job
        {
            Input = Floats.Of(input),
            Panels = Floats.Of(panels),
            Bias = bias is null ? null : Floats.Of(bias),
            Output = Floats.Of(output),
            Rows = RowParts.Whole(input.size(0)),
            Steps = (nint)input.size(1),
            Columns = (nint)columns,
        };
        TorchThreads.Run(job.Rows.Kept, &MultiplyPart, &job);
        return output;
    }

    private static void MultiplyPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        var (first, rows) = job->Rows.Range(part);
        Multiply(job->Input + first * job->Steps, rows, job->Steps, job->Panels, job->Columns, job->Bias, job->Output + first * job->Columns);
    }

    private static void LayOut(void* state, int part, int thread)
    {
        var job = (Layout*)state;
        nint column = part * ProductTile.Columns;
        PanelLayout.Plain(job->Weight + column, job->Columns, job->Steps, ProductTile.Columns, job->Panels + column * job->Steps);
    }

    private static void LayOutTransposed(void* state, int part, int thread)
    {
        var job = (Layout*)state;
        nint first = part * ProductTile.Columns * job->Steps;
        PanelLayout.Transposed(job->Weight + first, job->Steps, ProductTile.Columns, job->Steps, job->Panels + first);
    }

    private struct Layout
    {
        public float* Weight;
        public float* Panels;
        public nint Steps;
        public nint Columns;
    }

    private struct Job
    {
        public float* Input;
        public float* Panels;
        public float* Bias;
        public float* Output;
        public RowParts Rows;
        public nint Steps;
        public nint Columns;
    }
}
