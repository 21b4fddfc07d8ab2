# Answers every HTTP request with its head. The arguments are the address and the port to listen on,
# or the path of a unix socket.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

my ($place, $port) = @ARGV;
my $listener = defined $port
  ? IO::Socket::INET->new(LocalAddr => $place, LocalPort => $port, Listen => 5, ReuseAddr => 1)
  : IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $place, Listen => 5);
defined $listener or die "cannot listen on $place: $!\n";
while (my $client = $listener->accept) {
  my $head = "";
  while (defined(my $line = <$client>)) {
    last if $line eq "\r\n";
    $head .= $line;
  }
  # Who asks nothing only looks whether somebody is here.
  next if $head eq "";
  my $length = length $head;
  print {$client} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
    "Content-Length: $length\r\nConnection: close\r\n\r\n$head";
  close $client;
}
