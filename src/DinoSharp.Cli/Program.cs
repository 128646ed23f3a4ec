using System.CommandLine;
using DinoSharp.Cli;
using DinoSharp.Cli.Commands;

return Application.Run(args);
