namespace Builds.Execution.Sandbox;

/// <summary>The programs called sudo that builds find.</summary>
internal static class SudoText
{
    /// <summary>On the machine itself.</summary>
    public const string Refusing =
        "#!/bin/sh\necho 'sudo: image host is this machine itself, where no build may become root; use an image with sudo.' >&2\nexit 1\n";

    /// <summary>
    /// In an image whose sandbox takes the power of setuid programs away: the guard starts the command (Init/sudo.h). The options are those
    /// that scripts use; root is the one of the build's own user namespace.
    /// </summary>
    public const string ByTheGuard = """
        #!/bin/sh
        user=root keep= login= shell= home= background= forget=
        while [ $# -gt 0 ]; do
          case $1 in
            -u|--user) user=$2; shift ;;
            --user=*) user=${1#--user=} ;;
            -u?*) user=${1#-u} ;;
            -[EHSbikns]?*) first=${1%"${1#-?}"} rest=-${1#-?}; shift; set -- "$first" "$rest" "$@"; continue ;;
            -g|--group|-p|--prompt|-C|-D|--chdir) [ "$1" = -D ] || [ "$1" = --chdir ] && { cd "$2" || exit 1; }; shift ;;
            -E|--preserve-env|--preserve-env=*) keep=1 ;;
            -i|--login) login=1 ;;
            -s|--shell) shell=1 ;;
            -H|--set-home) home=1 ;;
            -b|--background) background=1 ;;
            -k|--reset-timestamp) forget=1 ;;
            -n|--non-interactive|-S|--stdin) ;;
            -v|--validate|-K|-l|--list) exit 0 ;;
            -V|--version) echo 'sudo of Builds'; exit 0 ;;
            -h|--help) echo 'usage: sudo [-bEHins] [-u USER] [NAME=VALUE...] COMMAND...'; exit 0 ;;
            --) shift; break ;;
            -*) echo "sudo: option $1 is not known here; to mend it: sudo [-bEHins] [-u USER] COMMAND" >&2; exit 1 ;;
            *) break ;;
          esac
          shift
        done
        [ $# -gt 0 ] || [ -z "$forget" ] || exit 0
        entry=
        while IFS=: read -r name _ uid gid _ directory program; do
          case $user in "$name"|"#$uid") entry=$uid:$gid; break ;; esac
        done </etc/passwd
        [ -n "$entry" ] || { echo "sudo: there is no user $user in /etc/passwd" >&2; exit 1; }
        set -- "$@"
        words=0
        for word in "$@"; do case $word in [A-Za-z_]*=*) words=$((words + 1)) ;; *) break ;; esac; done
        if [ -n "$login" ] || [ -n "$shell" ]; then
          if [ $# -gt $words ]; then
            line=
            for word in "$@"; do line="$line $(printf %s "$word" | sed 's/[^[:alnum:]_$-]/\\&/g')"; done
            set -- "${program:-/bin/sh}" -c "$line"
            words=0
          else
            set -- "$@" "${program:-/bin/sh}"
          fi
          [ -z "$login" ] || cd "$directory" || exit 1
        fi
        [ $# -gt $words ] || { echo 'usage: sudo [-bEHins] [-u USER] [NAME=VALUE...] COMMAND...' >&2; exit 1; }
        command=$*
        set -- SUDO_USER=build "$@"
        if [ -n "$keep" ]; then
          [ -z "$home$login" ] || export HOME="$directory"
          set -- env "$@"
        else
          set -- env -i HOME="$directory" LOGNAME="$name" USER="$name" SHELL="${program:-/bin/sh}" SUDO_COMMAND="$command" \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${TERM:+TERM="$TERM"} ${LANG:+LANG="$LANG"} "$@"
        fi
        set -- /run/builds/init sudo "${entry%:*}" "${entry#*:}" "$@"
        [ -z "$background" ] || { "$@" & exit 0; }
        exec "$@"

        """;
}
