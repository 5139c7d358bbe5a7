using Builds.Benchmarks;

return await BenchmarksCommand.Run(args);
