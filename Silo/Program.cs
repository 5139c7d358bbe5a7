using Builds.Commands;

return await BuildsCommand.Run(args);
