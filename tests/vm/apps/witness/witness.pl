# Answers every request with its path, at a port of the loopback or at a unix socket. Some do more:
#
#     /view          what it is, and what it can see of files and of the network
#     /connect/PORT  whether it can connect to a port of the loopback
#     /write         whether it can write to /shared
#     /fork          starts processes until that is refused, and tells how many those were
#     /spin          uses half a second of processor time
#     /eat           wants 500 MB of memory at once
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

my ($place) = @ARGV;
my $server = $place =~ m{^/}
  ? IO::Socket::UNIX->new(Local => $place, Listen => 64)
  : IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $place, Listen => 64, ReuseAddr => 1);
defined $server or die "cannot listen on $place: $@\n";
$SIG{PIPE} = "IGNORE";

while (my $client = $server->accept) {
  my $request = <$client>;
  next unless defined $request;
  while (my $line = <$client>) { last if $line =~ /^\r?$/ }
  my ($path) = $request =~ m{^\S+ (\S+)};
  my $body = answer($path, $client);
  print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) .
    "\r\nConnection: close\r\n\r\n$body";
  close $client;
}

sub answer {
  my ($path, $client) = @_;
  return view() if $path eq "/view";
  return connected($1) if $path =~ m{^/connect/(\d+)$};
  return written() if $path eq "/write";
  return forked($client) if $path eq "/fork";
  spin() if $path eq "/spin";
  eat() if $path eq "/eat";
  return $path;
}

sub view {
  my @rights = grep { /^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):/ } lines_of("/proc/self/status");
  my @interfaces = map { /^\s*(\S+):/ ? "interface $1" : () } lines_of("/proc/net/dev");
  my @files = map { "file $_" } files_in("/", 2), files_in("/dev", 2), files_in("/usr/lib/modules", 1);
  return join("", map { "$_\n" } map { s/\s+/ /gr } @rights, @interfaces, @files);
}

sub lines_of {
  my ($file) = @_;
  open(my $in, "<", $file) or die "cannot read $file: $!\n";
  chomp(my @lines = <$in>);
  return @lines;
}

# Processes come and go.
sub files_in {
  my ($folder, $depth) = @_;
  opendir(my $entries, $folder) or return ();
  my @found;
  for my $name (sort grep { !/^(?:\.\.?|\d+)$/ } readdir $entries) {
    my $path = $folder eq "/" ? "/$name" : "$folder/$name";
    push @found, $path;
    push @found, files_in($path, $depth - 1) if $depth > 1 && -d $path && !-l $path;
  }
  return @found;
}

sub connected {
  my ($port) = @_;
  return IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) ? "connected" : "$!";
}

sub written {
  open(my $out, ">", "/shared/written") or return "$!";
  print $out "by a worker\n";
  return close($out) ? "written" : "$!";
}

sub forked {
  my ($client) = @_;
  my $count = 0;
  while ($count < 5000) {
    my $pid = fork // return $count;
    if ($pid == 0) { close $client; sleep 600; exit }
    $count++;
  }
  return $count;
}

sub spin {
  my ($begun) = times;
  1 while (times)[0] - $begun < 0.5;
}

# In one system call, past the point at which the kernel begins to slow a worker down.
sub eat {
  open(my $zeros, "<", "/dev/zero") or die "cannot read zeros: $!\n";
  sysread($zeros, my $eaten, 500e6);
}
