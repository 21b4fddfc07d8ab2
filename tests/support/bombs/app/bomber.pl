# Answers every request with its path, and does what a hostile app would at some: /fork, /memory, /inode,
# /fd and /log. One for /crash lets a process crash and tells what its parent is told of it. The answer comes when the bomb has gone off and says how far it got; what it took stays
# taken. What takes memory of the host stops at a gibibyte.
use strict;
use warnings;
use POSIX ();
use Socket;

my ($port) = @ARGV;
$SIG{PIPE} = $SIG{CHLD} = "IGNORE";
socket(my $server, PF_INET, SOCK_STREAM, 0) or die $!;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1) or die $!;
bind($server, sockaddr_in($port, inet_aton("127.0.0.1"))) or die $!;
listen($server, 64) or die $!;

my %bombs = (fork => \&fork_bomb, memory => \&memory_bomb, inode => \&inode_bomb, fd => \&fd_bomb, log => \&log_bomb, crash => \&crash);

while (accept(my $client, $server)) {
  my $request = <$client>;
  next unless defined $request;
  while (my $line = <$client>) { last if $line =~ /^\r?$/ }
  my ($path) = $request =~ m{^\S+ (\S+)};
  my $bomb = $bombs{substr($path, 1)};
  my $body = defined $bomb ? detonate($bomb) : $path;
  print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
  close $client;
}

# Runs a bomb in a process of its own, which tells through a pipe how far it got.
sub detonate {
  my ($bomb) = @_;
  pipe(my $reader, my $writer) or die $!;
  my $pid = fork // die $!;
  if ($pid == 0) {
    close $reader;
    $bomb->(sub { syswrite $writer, "$_[0]\n" });
    sleep while 1;
  }
  close $writer;
  # Not to the end of the pipe, which what the bomb has started holds open.
  chomp(my $told = <$reader>);
  return $told;
}

# Every process forks for ever, whether that is refused or not.
sub fork_bomb {
  my ($tell) = @_;
  1 while defined fork_spinning();
  opendir(my $proc, "/proc") or die $!;
  $tell->((grep { /^\d+$/ } readdir $proc) . " processes");
  fork_spinning() while 1;
}

sub fork_spinning {
  my $pid = fork;
  if (defined $pid && $pid == 0) { while (1) { my $more = fork; } }
  return $pid;
}

sub memory_bomb {
  my ($tell) = @_;
  my @taken;
  # Not a constant, which perl would make before the program begins.
  my $size = 64 << 20;
  push @taken, "x" x $size for 1 .. 15;
  $tell->(@taken * 64 . " MiB");
  sleep while 1;
}

sub inode_bomb {
  my ($tell) = @_;
  my $count = 0;
  while ($count < 200_000) {
    sysopen(my $file, "/tmp/$count", POSIX::O_CREAT() | POSIX::O_WRONLY()) or last;
    $count++;
  }
  $tell->("$count inodes");
}

sub fd_bomb {
  my ($tell) = @_;
  my $processes = 0;
  for (1 .. 50) {
    my $pid = fork // last;
    $processes++;
    next if $pid != 0;
    my @open;
    while (open(my $file, "<", "/dev/null")) { push @open, $file }
    sleep while 1;
  }
  my @open;
  while (open(my $file, "<", "/dev/null")) { push @open, $file }
  $tell->(scalar(@open) . " descriptors in each of $processes processes");
  sleep while 1;
}

# Short lines on one stream and one endless line on the other.
sub log_bomb {
  my ($tell) = @_;
  my $pid = fork // die $!;
  my ($stream, $text) = $pid == 0 ? (\*STDOUT, "y\n" x 4096) : (\*STDERR, "x" x 8192);
  # More than pipes hold: by then it is waited for the server.
  syswrite $stream, $text for 1 .. 100;
  $tell->("as fast as it is read") if $pid != 0;
  syswrite $stream, $text while 1;
}

sub crash {
  my ($tell) = @_;
  local $SIG{CHLD} = "DEFAULT";
  my $pid = fork // die $!;
  if ($pid == 0) { kill SEGV => $$; sleep while 1 }
  waitpid($pid, 0);
  $tell->("signal " . ($? & 127) . ($? & 128 ? ", core dumped" : ", no core"));
}
