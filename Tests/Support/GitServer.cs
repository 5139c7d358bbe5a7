using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace Builds.Support;

/// <summary>
/// A git server of this machine, on a free port: bare repositories as plain files over HTTP, which every git can clone from.
/// Holds <c>project.git</c> with a file NAME and a submodule <c>lib</c>, on branches main and release; and <c>lib.git</c>.
/// </summary>
internal sealed class GitServer : IAsyncDisposable
{
    private const string OwnRepositories = """
        cd "$1"
        git init -q -b main lib
        echo 'a library' > lib/README
        git -C lib add README
        git -C lib commit -q -m lib
        git clone -q --bare lib lib.git
        git init -q -b main project
        cd project
        git -c protocol.file.allow=always submodule --quiet add ../lib.git lib
        echo main > NAME
        git add NAME
        git commit -q -m main
        git checkout -q -b release
        echo release > NAME
        git commit -q -a -m release
        git checkout -q main
        cd ..
        git clone -q --bare project project.git
        rm -rf lib project
        for repository in lib project; do git -C $repository.git update-server-info; done
        """;

    private const string RepositoriesOfFolder = """
        cd "$1"
        for files in "$2"/*; do
            cp -r "$files" project
            git -C project init -q -b main
            git -C project add --all --force
            git -C project commit -q -m main
            git -C project checkout -q -b website
            echo website >project/BRANCH
            git -C project add BRANCH
            git -C project commit -q -m website
            git -C project checkout -q main
            git clone -q --bare project "${files##*/}.git"
            git -C "${files##*/}.git" update-server-info
            rm -rf project
        done
        """;

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;
    private readonly DirectoryInfo _root;

    private GitServer(WebApplication app, DirectoryInfo root) => (_app, _root) = (app, root);

    /// <summary>Without a slash at its end.</summary>
    public string Address => _app.Urls.Single();

    public static Task<GitServer> Start() => Start(OwnRepositories);

    /// <summary>
    /// Instead of its own repositories it has one for each directory of a folder, with the files there on branch main, and on branch website
    /// one called BRANCH too.
    /// </summary>
    public static Task<GitServer> Of(string folder) => Start(RepositoriesOfFolder, folder);

    private static async Task<GitServer> Start(string script, params string[] arguments)
    {
        var root = Directory.CreateTempSubdirectory("builds-git-");
        await MakeRepositories(root.FullName, script, arguments);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(root.FullName), ServeUnknownFileTypes = true });
        await app.StartAsync();
        return new GitServer(app, root);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _root.Delete(recursive: true);
    }

    private static async Task MakeRepositories(string root, string script, string[] arguments)
    {
        var start = new ProcessStartInfo("bash", ["-ec", script, "-", root, .. arguments])
        { UseShellExecute = false, RedirectStandardError = true };
        foreach (var (name, value) in new[] { ("NAME", "mia"), ("EMAIL", "mia@builds.example"), ("DATE", "2026-01-02T03:04:05Z") })
        {
            start.Environment[$"GIT_AUTHOR_{name}"] = value;
            start.Environment[$"GIT_COMMITTER_{name}"] = value;
        }
        using var git = Process.Start(start)!;
        using var bound = new CancellationTokenSource(Bound);
        var errors = await git.StandardError.ReadToEndAsync(bound.Token);
        await git.WaitForExitAsync(bound.Token);
        if (git.ExitCode != 0) throw new InvalidOperationException($"git cannot make the repositories: {errors}");
    }
}
