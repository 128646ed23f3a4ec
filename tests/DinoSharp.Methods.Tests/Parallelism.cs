[assembly: CollectionBehavior(DisableTestParallelization = true)] // tests seed torch's one generator and count the process's tensors
