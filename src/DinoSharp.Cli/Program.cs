using DinoSharp.Cli;

return Application.Run(args);
