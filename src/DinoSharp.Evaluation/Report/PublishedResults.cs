namespace DinoSharp.Evaluation.Report;

/// <summary>A published result.</summary>
/// <param name="Method">how the network was trained</param>
/// <param name="Network">its architecture</param>
/// <param name="Setting">what else belongs to the numbers</param>
/// <param name="Source">paper and table, with its arXiv number</param>
/// <param name="Values">one a column; null where none was published</param>
public sealed record PublishedRow(string Method, string Network, string Setting, string Source, params double?[] Values);

/// <summary>A column of numbers, and which records of one's own have the same number.</summary>
/// <param name="Heading">as in the paper</param>
/// <param name="Protocols">the record's protocol is one of these</param>
/// <param name="Data">names of the data set, one of which is the record's; letters and digits alone count, in either case</param>
/// <param name="Score">names of the score, one of which is in the record; none means the record's first</param>
public sealed record ResultColumn(string Heading, string[] Protocols, string[] Data, params string[] Score);

/// <summary>A protocol's published results.</summary>
/// <param name="Title">the heading</param>
/// <param name="Data">what the numbers were measured on</param>
/// <param name="Command">what measures them here</param>
/// <param name="Columns">the numbers</param>
/// <param name="Rows">the results</param>
public sealed record PublishedSection(
    string Title, string Data, string Command, IReadOnlyList<ResultColumn> Columns, IReadOnlyList<PublishedRow> Rows);

/// <summary>The published results that one's own stand beside, as they are in the paper's tables; numbers in percent.</summary>
public static class PublishedResults
{
    private const string Table2 = "arXiv 2104.14294, table 2";
    private const string Table3 = "arXiv 2104.14294, table 3";
    private const string Table4 = "arXiv 2104.14294, table 4";
    private const string Table5 = "arXiv 2104.14294, table 5";
    private const string Table6 = "arXiv 2104.14294, table 6";
    private const string Figure4 = "arXiv 2104.14294, figure 4";

    private const string ResNet50 = "23 M parameters, 1237 im/s", Small16 = "21 M parameters, 1007 im/s";

    private static readonly string[] WholeNetwork = ["finetune", "supervised"];
    private static readonly string[] ImageNet = ["ImageNet", "ImageNet-1k", "ILSVRC2012", "ILSVRC"];
    private static readonly string[] Oxford = ["roxford5k", "ROxford", "ROx"];
    private static readonly string[] Paris = ["rparis6k", "RParis", "RPar"];
    private static readonly string[] Davis = ["DAVIS 2017 val"];

    /// <summary>All sections, in the order of the paper.</summary>
    public static IReadOnlyList<PublishedSection> Sections { get; } =
    [
        new(
            "Linear and k-NN classification",
            "ImageNet, validation images, top-1",
            "dino linear, dino knn",
            [new("Linear", ["linear"], ImageNet), new("k-NN", ["knn"], ImageNet)],
            [
                new("Supervised", "ResNet-50", ResNet50, Table2, 79.3, 79.3),
                new("SimCLR", "ResNet-50", ResNet50, Table2, 69.1, 60.7),
                new("MoCo v2", "ResNet-50", ResNet50, Table2, 71.1, 61.9),
                new("InfoMin", "ResNet-50", ResNet50, Table2, 73.0, 65.3),
                new("Barlow Twins", "ResNet-50", ResNet50, Table2, 73.2, 66.0),
                new("OBoW", "ResNet-50", ResNet50, Table2, 73.8, 61.9),
                new("BYOL", "ResNet-50", ResNet50, Table2, 74.4, 64.8),
                new("DeepCluster v2", "ResNet-50", ResNet50, Table2, 75.2, 67.1),
                new("SwAV", "ResNet-50", ResNet50, Table2, 75.3, 65.7),
                new("DINO", "ResNet-50", ResNet50, Table2, 75.3, 67.5),
                new("Supervised", "ViT-S/16", Small16, Table2, 79.8, 79.8),
                new("BYOL", "ViT-S/16", Small16 + ", run by the paper's authors", Table2, 71.4, 66.6),
                new("MoCo v2", "ViT-S/16", Small16 + ", run by the paper's authors", Table2, 72.7, 64.4),
                new("SwAV", "ViT-S/16", Small16 + ", run by the paper's authors", Table2, 73.5, 66.3),
                new("DINO", "ViT-S/16", Small16, Table2, 77.0, 74.5),
                new("DINO", "ViT-B/16", "85 M parameters, 312 im/s", Table2, 78.2, 76.1),
                new("DINO", "ViT-S/8", "21 M parameters, 180 im/s", Table2, 79.7, 78.3),
                new("DINO", "ViT-B/8", "85 M parameters, 63 im/s", Table2, 80.1, 77.4),
            ]),
        new(
            "Fine-tuned classification",
            "Top-1 on the data set of each column",
            "dino finetune",
            [
                new("CIFAR-10", WholeNetwork, ["CIFAR-10", "cifar-10-batches-bin"]),
                new("CIFAR-100", WholeNetwork, ["CIFAR-100", "cifar-100-binary"]),
                new("iNat 18", WholeNetwork, ["iNaturalist 2018", "iNat18"]), new("iNat 19", WholeNetwork, ["iNaturalist 2019", "iNat19"]),
                new("Flowers", WholeNetwork, ["Flowers", "Flowers-102", "Oxford Flowers"]),
                new("Cars", WholeNetwork, ["Cars", "Stanford Cars"]), new("ImageNet", WholeNetwork, ImageNet),
            ],
            [
                new("Supervised", "ViT-S/16", "pre-trained on ImageNet", Table6, 99.0, 89.5, 70.7, 76.6, 98.2, 92.1, 79.9),
                new("DINO", "ViT-S/16", "pre-trained on ImageNet", Table6, 99.0, 90.5, 72.0, 78.2, 98.5, 93.0, 81.5),
                new("Supervised", "ViT-B/16", "pre-trained on ImageNet", Table6, 99.1, 90.8, 73.2, 77.7, 98.4, 92.1, 81.8),
                new("DINO", "ViT-B/16", "pre-trained on ImageNet", Table6, 99.1, 91.7, 72.6, 78.6, 98.8, 93.0, 82.8),
            ]),
        new(
            "Image retrieval",
            "Revisited Oxford and Paris (ROx, RPar), mAP of the medium (M) and hard (H) queries",
            "dino retrieval",
            [
                new("ROx M", ["retrieval"], Oxford, "M", "mAP M", "M mAP", "medium", "mAP medium"),
                new("ROx H", ["retrieval"], Oxford, "H", "mAP H", "H mAP", "hard", "mAP hard"),
                new("RPar M", ["retrieval"], Paris, "M", "mAP M", "M mAP", "medium", "mAP medium"),
                new("RPar H", ["retrieval"], Paris, "H", "mAP H", "H mAP", "hard", "mAP hard"),
            ],
            [
                new("Supervised", "ResNet-101 + R-MAC", "trained on ImageNet", Table3, 49.8, 18.5, 74.0, 52.1),
                new("Supervised", "ViT-S/16", "trained on ImageNet", Table3, 33.5, 8.9, 63.0, 37.2),
                new("DINO", "ResNet-50", "trained on ImageNet", Table3, 35.4, 11.1, 55.9, 27.5),
                new("DINO", "ViT-S/16", "trained on ImageNet", Table3, 41.8, 13.7, 63.1, 34.4),
                new("DINO", "ViT-S/16", "trained on GLDv2", Table3, 51.5, 24.3, 75.3, 51.6),
            ]),
        new(
            "Copy detection",
            "Copydays, strong copies among the originals and 10,000 distractors, whitened, mAP",
            "dino copy-detection",
            [new("mAP", ["copy-detection"], ["Copydays"])],
            [
                new("MultiGrain", "ResNet-50", "2048 dimensions, 224²", Table4, 75.1),
                new("MultiGrain", "ResNet-50", "2048 dimensions, largest side 800", Table4, 82.5),
                new("Supervised", "ViT-B/16", "1536 dimensions, 224²", Table4, 76.4),
                new("DINO", "ViT-B/16", "1536 dimensions, 224²", Table4, 81.7),
                new("DINO", "ViT-B/8", "1536 dimensions, 320²", Table4, 85.5),
            ]),
        new(
            "Video object segmentation",
            "DAVIS 2017, validation videos",
            "dino davis",
            [
                new("(J&F)m", ["davis"], Davis, "J&F-Mean", "J&F", "(J&F)m"),
                new("Jm", ["davis"], Davis, "J-Mean", "J", "Jm"),
                new("Fm", ["davis"], Davis, "F-Mean", "F", "Fm"),
            ],
            [
                new("Supervised", "ViT-S/8", "trained on ImageNet", Table5, 66.0, 63.9, 68.1),
                new("STM", "ResNet-50", "supervised, trained on ImageNet, DAVIS and YouTube-VOS", Table5, 81.8, 79.2, 84.3),
                new("CT", "ResNet-50", "trained on VLOG", Table5, 48.7, 46.4, 50.0),
                new("MAST", "ResNet-18", "trained on YouTube-VOS", Table5, 65.5, 63.3, 67.6),
                new("STC", "ResNet-18", "trained on Kinetics", Table5, 67.6, 64.8, 70.2),
                new("DINO", "ViT-S/16", "trained on ImageNet", Table5, 61.8, 60.2, 63.4),
                new("DINO", "ViT-B/16", "trained on ImageNet", Table5, 62.3, 60.7, 63.9),
                new("DINO", "ViT-S/8", "trained on ImageNet", Table5, 69.9, 66.6, 73.1),
                new("DINO", "ViT-B/8", "trained on ImageNet", Table5, 71.4, 67.9, 74.9),
            ]),
        new(
            "Segmentation by attention",
            "PASCAL VOC 2012, validation images, Jaccard index of the best head's mask",
            "dino attention --voc",
            [new("Jaccard", ["attention"], ["VOC2012 val", "PASCAL VOC 2012 val", "VOC12 val"])],
            [
                new("Random weights", "ViT-S/16", "60 % of the attention", Figure4, 22.0),
                new("Supervised", "ViT-S/16", "60 % of the attention", Figure4, 27.3),
                new("DINO", "ViT-S/16", "60 % of the attention", Figure4, 45.9),
                new("Random weights", "ViT-S/8", "60 % of the attention", Figure4, 21.8),
                new("Supervised", "ViT-S/8", "60 % of the attention", Figure4, 23.7),
                new("DINO", "ViT-S/8", "60 % of the attention", Figure4, 44.7),
            ]),
    ];
}
