# Answers each HTTP request with what reach.pl beside it says of the target behind the question mark.
# The arguments are the address and the port to listen on.
use strict;
use warnings;
use IO::Socket::INET;

my ($host, $port) = @ARGV;
my $listener = IO::Socket::INET->new(
  LocalAddr => $host, LocalPort => $port, Listen => 5, ReuseAddr => 1)
  or die "cannot listen on $host:$port: $!\n";
while (my $client = $listener->accept) {
  my ($target) = (<$client> // "") =~ /\?([\w,.:]+)/;
  while (defined(my $line = <$client>)) {
    last if $line eq "\r\n";
  }
  my $text = "";
  if (defined $target) {
    open my $reach, "-|", $^X, "/app/reach.pl", $target or die "cannot run $^X: $!\n";
    $text = join "", <$reach>;
  }
  my $length = length $text;
  print {$client} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
    "Content-Length: $length\r\nConnection: close\r\n\r\n$text";
  close $client;
}
