[assembly: CollectionBehavior(DisableTestParallelization = true)] // some tests count the process's tensors
