using Builds;
using Builds.Commands;

KillSwitch.Arm();
return await BuildsCommand.Run(args);
