# Answers every request with its path. One for /spin starts a process that uses all the time it gets;
# one for /fork starts processes until that is refused, and tells how many those were.
use strict;
use warnings;
use Socket;

my ($port) = @ARGV;
socket(my $server, PF_INET, SOCK_STREAM, 0) or die $!;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1) or die $!;
bind($server, sockaddr_in($port, inet_aton("127.0.0.1"))) or die $!;
listen($server, 64) or die $!;
$SIG{PIPE} = "IGNORE";

while (accept(my $client, $server)) {
  my $request = <$client>;
  next unless defined $request;
  while (my $line = <$client>) { last if $line =~ /^\r?$/ }
  my ($path) = $request =~ m{^\S+ (\S+)};
  my $body = $path;
  if ($path =~ m{^/spin}) {
    my $pid = fork;
    if (defined $pid && $pid == 0) { close $client; 1 while 1 }
  }
  if ($path =~ m{^/fork}) {
    my $count = 0;
    while ($count < 5000) {
      my $pid = fork;
      last unless defined $pid;
      if ($pid == 0) { close $client; sleep 600; exit }
      $count++;
    }
    $body = $count;
  }
  print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) .
    "\r\nConnection: close\r\n\r\n$body";
  close $client;
}
