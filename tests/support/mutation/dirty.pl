# Executes its arguments in surroundings as no program should inherit them. The first argument is the
# number of keyctl.
use strict;
use warnings;
use POSIX ();

my ($keyctl, @command) = @ARGV;
umask 0;
$SIG{HUP} = $SIG{USR1} = "IGNORE";
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGUSR2())) or die $!;
$) = "0 65432 65433";
# KEYCTL_JOIN_SESSION_KEYRING
my $name = "dirty";
syscall($keyctl + 0, 1, $name) > 0 or die $!;
open(my $file, "<", "/etc/hostname") or die $!;
POSIX::dup2(fileno($file), 8) or die $!;
chdir "/tmp" or die $!;
exec @command or die $!;
