using Builds.Benchmarks;
using Builds.Benchmarks.Silos;

return args is [SiloProgram.Verb, ..] ? await SiloProgram.Run(args[1], args[2], gated: args is [.., SiloProgram.Gated]) : await BenchmarksCommand.Run(args);
