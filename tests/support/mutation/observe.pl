# Prints what a program in a sandbox sees of itself, as lines of KEY=VALUE. Its arguments are the name of
# an abstract unix socket that somebody outside listens on, and the numbers of the system calls that it
# makes by number: unshare, keyctl and prctl.
use strict;
use warnings;
use POSIX ();
use Socket;

my ($socket, $unshare, $keyctl, $prctl) = @ARGV;

sub say_it { my ($key, $value) = @_; print "$key=", $value // "", "\n" }
sub lines_of { open(my $file, "<", $_[0]) or return (); chomp(my @lines = <$file>); return @lines }
sub names_in { opendir(my $folder, $_[0]) or return ""; return join(" ", sort grep { !/^\.\.?$/ } readdir $folder) }

for my $kind (qw(user pid uts ipc cgroup mnt)) { say_it("ns.$kind", readlink "/proc/self/ns/$kind") }
say_it("hostname", (POSIX::uname())[1]);
say_it("uid", $<);
say_it("gid", join(" ", $());
say_it("umask", sprintf("%03o", umask));
say_it("cwd", POSIX::getcwd());
say_it("env", join(" ", sort keys %ENV));
say_it("fds", names_in("/proc/self/fd"));
say_it("root", names_in("/"));
say_it("processes", (grep { /^\d+$/ } split / /, names_in("/proc")) < 10 ? "its own" : "the host's");
say_it("dev", names_in("/dev"));

for (lines_of("/proc/self/status")) {
  say_it("status.$1", $2) if /^(NoNewPrivs|Seccomp|Cap\w+|SigIgn|SigBlk):\s*(.*)$/;
}
for (lines_of("/proc/self/limits")) {
  say_it("limit.$1", "$2:$3") if /^Max (.+?) {2,}(\S+) +(\S+)/;
}
for (lines_of("/proc/self/mountinfo")) {
  my ($target, $options, $type, $size) = /^\S+ \S+ \S+ \S+ (\S+) (\S+) .*?- (\S+) \S+ (\S+)/ or next;
  $size = $size =~ /(size=[^,]+)/ ? " $1" : "";
  say_it("mount.$target", "$type $options$size");
}
# proc_pid_stat(5): the session, 0 when its leader is outside; behind the program's name in parentheses.
my ($stat) = lines_of("/proc/self/stat");
say_it("session", (split / /, $stat =~ s/^.*\) //r)[3] ? "own" : "of outside") if defined $stat;
# PR_GET_PDEATHSIG
my $signal = pack("i", 0);
syscall($prctl + 0, 2, $signal);
say_it("pdeathsig", unpack("i", $signal));
# KEYCTL_DESCRIBE of KEY_SPEC_SESSION_KEYRING
my $key = "\0" x 256;
say_it("keyring", syscall($keyctl + 0, 6, -3, $key, 256) < 0 ? "none: $!" : $key =~ /;([^;\0]*)\0/);
# KEYCTL_GET_KEYRING_ID of KEY_SPEC_USER_KEYRING, made if there is none, so that there is a key to be listed
syscall($keyctl + 0, 0, -4, 1);
for my $list (qw(keys key-users)) { say_it("list.$list", lines_of("/proc/$list") ? "told" : "empty") }
# CLONE_NEWUSER, in a process of its own
my $child = fork;
if ($child == 0) { POSIX::_exit(syscall($unshare + 0, 0x10000000) == 0 ? 0 : 1) }
waitpid($child, 0);
say_it("userns", $? == 0 ? "open" : "closed");
socket(my $client, AF_UNIX, SOCK_STREAM, 0) or die;
say_it("abstract", connect($client, pack_sockaddr_un("\0$socket")) ? "open" : "closed");
for my $folder (qw(/ /app /etc /usr /dev /tmp /dev/shm /run /proc/sys/kernel)) {
  my $file = "$folder/blockyard-observe-$$";
  my $is_open = open(my $made, ">", $file);
  unlink $file if $is_open;
  say_it("write.$folder", $is_open ? "open" : "closed");
}
