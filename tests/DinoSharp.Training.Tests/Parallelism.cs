[assembly: CollectionBehavior(DisableTestParallelization = true)] // a step seeds the one generator of torch
