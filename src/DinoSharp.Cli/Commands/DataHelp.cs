namespace DinoSharp.Cli.Commands;

/// <summary>What the verbs say of their images.</summary>
internal static class DataHelp
{
    /// <summary>For images whose labels play no role.</summary>
    public const string Unlabelled =
        "images, in one or several: folder, .zip, .tar, shards (data-{0000..0099}.tar), .parquet, .csv, .txt, idx or CIFAR files; "
        + "no labels needed";

    /// <summary>For a part of them.</summary>
    public const string Split =
        "part of the data: a split's name, a share as in [:90%], or both as in test[50%:]; by default train, if there are splits";
}
