using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Builds.Cluster;
using Builds.Jobs;

namespace Builds.Benchmarks.Silos;

/// <summary>The program itself: <c>builds serve</c> in a process of its own, on a free port and a directory of its own.</summary>
internal sealed class ServedSilo : IAsyncDisposable
{
    private const string Ready = "Ready: ";
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(2);

    private readonly Process process;

    private ServedSilo(Process process, string data, HttpClient client) => (this.process, Data, Client) = (process, data, client);

    public string Data { get; }

    public HttpClient Client { get; }

    /// <summary>Ends when it takes requests. Its log goes to a file beside the data directory.</summary>
    public static async Task<ServedSilo> Start(string data, int slots, params (string Name, string Value)[] settings)
    {
        var silo = Run(settings, "serve", "--data", data, "--urls", "http://127.0.0.1:0", "--slots", slots.ToString(CultureInfo.InvariantCulture));
        var log = new StreamWriter(data + ".log") { AutoFlush = true };
        silo.ErrorDataReceived += (_, line) => log.WriteLine(line.Data);
        silo.BeginErrorReadLine();
        using var bound = new CancellationTokenSource(Bound);
        if (await silo.StandardOutput.ReadLineAsync(bound.Token) is not { } welcome || !welcome.StartsWith(Ready, StringComparison.Ordinal))
            throw new InvalidOperationException($"A silo ended before it was ready: see {data}.log");
        var client = new HttpClient { BaseAddress = new Uri(welcome[Ready.Length..].Split(',')[0]), Timeout = Bound };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(DataDirectory.Existing(data).AdminToken, bound.Token)).Trim());
        return new ServedSilo(silo, data, client);
    }

    /// <summary>Another command of the program, to its end.</summary>
    public static async Task Command(params string[] arguments)
    {
        using var command = Run([], arguments);
        var (said, errors) = (command.StandardOutput.ReadToEndAsync(), command.StandardError.ReadToEndAsync());
        using var bound = new CancellationTokenSource(Bound);
        await command.WaitForExitAsync(bound.Token);
        if (command.ExitCode != 0)
            throw new InvalidOperationException($"builds {string.Join(' ', arguments)}: {await said}{await errors}");
    }

    /// <summary>Answers when the job is on disk.</summary>
    /// <param name="execute">False: it waits for somebody who starts it.</param>
    public async Task<JobId> Submit(string manifest, bool execute = true)
    {
        using var content = new FormUrlEncodedContent([new("manifest", manifest), new("execute", execute ? "true" : "false")]);
        using var answer = await Client.PostAsync("/api/jobs", content);
        using var job = await Answers.Json(answer);
        return new JobId(job.RootElement.GetProperty("id").GetInt32());
    }

    /// <summary>How a job stands: its status, the status of its first task, why it failed, and the whole answer.</summary>
    /// <param name="wait">Until it has ended, if that is within a minute.</param>
    public async Task<(string Status, string Task, string? Reason, string All)> Job(JobId id, bool wait = false)
    {
        using var answer = await Client.GetAsync($"/api/jobs/{id}{(wait ? "?wait=60" : "")}");
        using var job = await Answers.Json(answer);
        return (Field(job.RootElement, "status")!, Field(job.RootElement.GetProperty("tasks")[0], "status")!, Field(job.RootElement, "reason"), job.RootElement.ToString());

        static string? Field(JsonElement of, string name) => of.GetProperty(name).GetString();
    }

    /// <summary>Bytes of what its first task wrote that are kept.</summary>
    public async Task<long> LogLength(JobId id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, $"/logs/{id}/{Manifests.Task}/log");
        using var answer = await Client.SendAsync(request);
        return answer.EnsureSuccessStatusCode().Content.Headers.ContentLength!.Value;
    }

    public async Task Cancel(JobId id)
    {
        using var answer = await Client.PostAsync($"/api/jobs/{id}/cancel", content: null);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Bytes of memory that it has.</summary>
    public long Memory => Status("VmRSS:");

    /// <summary>The most that it had since <see cref="ForgetHighestMemory"/>.</summary>
    public long HighestMemory => Status("VmHWM:");

    /// <summary>proc(5), clear_refs.</summary>
    public void ForgetHighestMemory() => File.WriteAllText($"/proc/{process.Id}/clear_refs", "5");

    /// <summary>SIGKILL.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private long Status(string name)
    {
        var line = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }

    private static Process Run((string Name, string Value)[] settings, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.GetFullPath(Path.Combine(typeof(object).Assembly.Location, "../../../../dotnet")), [Path.Combine(AppContext.BaseDirectory, "builds.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings)
            start.Environment[$"Builds__{name}"] = value;
        return Process.Start(start)!;
    }
}
