// SPDX-License-Identifier: MIT
//
// The floor under a command that asks a daemon: a C program that connects to a Unix socket, sends
// 32 bytes, reads them back and exits.
//   connect_echo serve PATH   answers until its standard input ends
//   connect_echo PATH         one round trip; exit code 0 if the echo was right
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kBytes = 32 };

static int open_socket(const char* path, struct sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -1;
  strcpy(address->sun_path, path);
  return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int serve(const char* path) {
  struct sockaddr_un address;
  const int listener = open_socket(path, &address);
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listener, 64) != 0) {
    perror(path);
    return 1;
  }
  puts("ready");
  fflush(stdout);
  struct pollfd watched[2] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (poll(watched, 2, -1) > 0 && watched[1].revents == 0) {
    const int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    char bytes[kBytes];
    const ssize_t got = recv(client, bytes, sizeof bytes, 0);
    if (got > 0) send(client, bytes, (size_t)got, MSG_NOSIGNAL);
    close(client);
  }
  unlink(path);
  return 0;
}

static int ask(const char* path) {
  struct sockaddr_un address;
  const int server = open_socket(path, &address);
  if (server < 0 || connect(server, (struct sockaddr*)&address, sizeof address) != 0) return 1;
  char sent[kBytes];
  char received[kBytes];
  memset(sent, 'x', sizeof sent);
  if (send(server, sent, sizeof sent, MSG_NOSIGNAL) != kBytes) return 1;
  if (recv(server, received, sizeof received, 0) != kBytes) return 1;
  return memcmp(sent, received, kBytes) == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
  if (argc == 2) return ask(argv[1]);
  fputs("usage: connect_echo [serve] PATH\n", stderr);
  return 1;
}
