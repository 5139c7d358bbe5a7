using Builds.Manifests;

namespace Builds.Execution;

internal static partial class Plans
{
    /// <summary>Every kind of variable, sources with and without a ref, a hand-over, artifacts, and an early end. The argument is the git server.</summary>
    private static BuildManifest Whole(string git) => ((ManifestResult.Accepted)ManifestParser.Parse($$$"""
        image: host
        environment:
          QUOTED: it's "quoted" $HOME `id` \n *
          BARE: a/b:c@d
          LINES: "one\n  two"
          OTHER: grün ☕
          YES: yes
          NO: false
          NOTHING:
          WHOLE: 1000000
          HEX: 0x10
          REAL: 0.5
          LARGE: 1.5e+9
          DATE: 2026-01-02
          LIST: [a, b c, 3, true, $x]
          JOB_ID: 999
        sources:
        - {{{git}}}/project.git#release
        - other::git+{{{git}}}/project.git
        artifacts:
        - out/result.txt
        - /home/build/bytes
        tasks:
        - variables: |
            { set +x; } 2> /dev/null
            for name in QUOTED BARE LINES OTHER YES NO NOTHING WHOLE HEX REAL LARGE DATE CI_NAME JOB_ID JOB_URL JOB_ATTEMPT; do
              printenv $name > value
              echo "$name=[$(cat value)]"
            done
            printf 'LIST[%s]\n' "${LIST[@]}"
            printenv LIST || echo LIST is not exported
            echo "$0 in $PWD, home $HOME"
            echo to stderr >&2
            echo 'export NEXT="from one"' >> ~/.buildenv
            cd /
            here=lost
        - use: |
            echo "$NEXT, ${here-new shell}, in $PWD"
            cat project/NAME other/NAME
            git -C project status --short --branch
            mkdir out
            cat project/NAME project/lib/README > out/result.txt
            echo "$NEXT" >> out/result.txt
            printf '\001\000\377' > bytes
            if test -s bytes; then complete-build; fi
            echo never
        - never: |
            exit 1
        """)).Manifest;

    /// <summary>What <see cref="Whole"/> must leave; words in at signs stand for what differs.</summary>
    public const string WholeTranscript = """
        setup:
        # @REMARK@
        # Cloning @GIT@/project.git#release
        Cloning into 'project'...
        Submodule 'lib' (@GIT@/lib.git) registered for path 'lib'
        Cloning into '@HOME@/project/lib'...
        Submodule path 'lib': checked out 'ae53a6d694b762b6926eefcefb57b824c0d8ef3a'
        # project is at commit 2ed4bb9855d2176f5a6c946950d0f33db4af39a9
        # Cloning other::git+@GIT@/project.git
        Cloning into 'other'...
        Submodule 'lib' (@GIT@/lib.git) registered for path 'lib'
        Cloning into '@HOME@/other/lib'...
        Submodule path 'lib': checked out 'ae53a6d694b762b6926eefcefb57b824c0d8ef3a'
        # other is at commit 292bd72764ae3e6e8a73040ffb08d26e7a4486fc
        # Running task variables
        # Running task use
        # The build is complete: the other tasks are skipped
        # Keeping artifact out/result.txt
        # Keeping artifact /home/build/bytes
        task 0 Success:
        QUOTED=[it's "quoted" $HOME `id` \n *]
        BARE=[a/b:c@d]
        LINES=[one
          two]
        OTHER=[grün ☕]
        YES=[true]
        NO=[false]
        NOTHING=[]
        WHOLE=[1000000]
        HEX=[16]
        REAL=[0.5]
        LARGE=[1.5e+09]
        DATE=[2026-01-02]
        CI_NAME=[sourcehut]
        JOB_ID=[7]
        JOB_URL=[http://builds.example/~alice/job/7]
        JOB_ATTEMPT=[1]
        LIST[a]
        LIST[b c]
        LIST[3]
        LIST[true]
        LIST[$x]
        LIST is not exported
        ./.tasks/variables in @HOME@, home @HOME@
        to stderr
        task 1 Success:
        + echo 'from one, new shell, in @HOME@'
        from one, new shell, in @HOME@
        + cat project/NAME other/NAME
        release
        main
        + git -C project status --short --branch
        ## release...origin/release
        + mkdir out
        + cat project/NAME project/lib/README
        + echo 'from one'
        + printf '\001\000\377'
        + test -s bytes
        + complete-build
        + echo 1
        + exit 0
        task 2 Skipped:
        artifact /home/build/bytes: @BYTES@
        artifact out/result.txt: @RESULT@
        outcome: Succeeded { }

        """;
}
