// Serves the files of a folder over HTTP, each answer a time after its request: FOLDER MILLISECONDS
//
// One thread and epoll. It knows GET and HEAD, ranges, connections that stay, and folders as pages
// of links. The time is waited on a list, as all requests wait equally long. Bytes go by sendfile,
// so that the server takes next to nothing of the processors that the client is measured on.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { most_connections = 1024, most_request = 8192 };

struct connection {
  char request[most_request];
  size_t got;
  double due;  // when the answer begins
  char* head;  // of the answer, and a page of links
  size_t head_at, head_end;
  int file;
  off_t at, end;
};

static struct connection connections[most_connections];
static int waiting[most_connections], first_waiting, count_waiting;
static int events;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void watch(int client, unsigned kinds, int how) {
  struct epoll_event event = {.events = kinds, .data.fd = client};
  epoll_ctl(events, how, client, &event);
}

static void finish(struct connection* c) {
  free(c->head);
  if (c->file >= 0) close(c->file);
  c->head = NULL;
  c->file = -1;
}

static char* links(const char* folder, size_t* size) {
  char* page = NULL;
  struct dirent** names = NULL;
  FILE* out = open_memstream(&page, size);
  const int count = scandir(folder, &names, NULL, alphasort);
  for (int i = 0; i < count; ++i) {
    if (names[i]->d_name[0] != '.') {
      fprintf(out, "<a href=\"%s\">%s</a>\n", names[i]->d_name, names[i]->d_name);
    }
    free(names[i]);
  }
  free(names);
  fclose(out);
  return page;
}

static void answer(int client) {
  struct connection* c = &connections[client];
  char method[8] = "", path[1024] = "";
  sscanf(c->request, "%7s /%1023s", method, path);
  struct stat about;
  char* page = NULL;
  size_t page_size = 0;
  const char *code = "200 OK", *kind = "application/octet-stream";
  c->at = c->end = 0;
  if (strstr(path, "..") || stat(*path ? path : ".", &about) < 0) {
    code = "404 Not Found";
    about.st_size = 0;
  } else if (S_ISDIR(about.st_mode)) {
    kind = "text/html";
    page = links(*path ? path : ".", &page_size);
    about.st_size = (off_t)page_size;
  } else {
    c->file = open(path, O_RDONLY);
    c->end = about.st_size;
  }
  char range[128] = "";
  const char* asked = strcasestr(c->request, "\r\nrange: bytes=");
  if (asked && c->file >= 0) {
    long long from = 0, to = 0;
    sscanf(asked + 15, "%lld-%lld", &from, &to);
    c->at = from;
    c->end = to + 1 < about.st_size ? to + 1 : about.st_size;
    code = "206 Partial Content";
    snprintf(range, sizeof range, "Content-Range: bytes %lld-%lld/%lld\r\n", from,
             (long long)c->end - 1, (long long)about.st_size);
  }
  const long long length = c->file >= 0 ? c->end - c->at : about.st_size;
  FILE* out = open_memstream(&c->head, &c->head_end);
  fprintf(out,
          "HTTP/1.1 %s\r\nContent-Type: %s\r\nAccept-Ranges: bytes\r\n%sContent-Length: "
          "%lld\r\n\r\n",
          code, kind, range, length);
  if (strcmp(method, "HEAD") == 0) {
    c->end = c->at;
  } else if (page) {
    fwrite(page, 1, page_size, out);
  }
  fclose(out);
  free(page);
  c->head_at = 0;
  watch(client, EPOLLOUT, EPOLL_CTL_MOD);
}

static int send_more(int client) {
  struct connection* c = &connections[client];
  while (c->head_at < c->head_end) {
    const int more = c->at < c->end ? MSG_MORE : 0;
    const ssize_t sent = send(client, c->head + c->head_at, c->head_end - c->head_at, more);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    c->head_at += (size_t)sent;
  }
  while (c->at < c->end) {
    if (sendfile(client, c->file, &c->at, (size_t)(c->end - c->at)) < 0) {
      return errno == EAGAIN ? 0 : -1;
    }
  }
  finish(c);
  c->got = 0;
  watch(client, EPOLLIN, EPOLL_CTL_MOD);
  return 0;
}

static int receive(int client, double delay) {
  struct connection* c = &connections[client];
  const ssize_t got = recv(client, c->request + c->got, most_request - 1 - c->got, 0);
  if (got <= 0) return -1;
  c->got += (size_t)got;
  c->request[c->got] = 0;
  if (!strstr(c->request, "\r\n\r\n")) return 0;
  c->due = now() + delay;
  waiting[(first_waiting + count_waiting++) % most_connections] = client;
  watch(client, 0, EPOLL_CTL_MOD);
  return 0;
}

int main(int count, char** arguments) {
  if (count != 3 || chdir(arguments[1]) < 0) return 2;
  const double delay = 1e-3 * atof(arguments[2]);
  signal(SIGPIPE, SIG_IGN);  // of a client that has read enough
  const int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof place;
  if (bind(server, (struct sockaddr*)&place, size) < 0 || listen(server, 128) < 0) return 1;
  getsockname(server, (struct sockaddr*)&place, &size);
  printf("%d\n", ntohs(place.sin_port));
  fflush(stdout);
  events = epoll_create1(0);
  watch(server, EPOLLIN, EPOLL_CTL_ADD);
  for (;;) {
    struct timespec rest = {0, 0};
    if (count_waiting) {
      const double left = connections[waiting[first_waiting]].due - now();
      if (left > 0) rest = (struct timespec){(time_t)left, (long)(1e9 * (left - (time_t)left))};
    }
    struct epoll_event ready[64];
    const int found = epoll_pwait2(events, ready, 64, count_waiting ? &rest : NULL, NULL);
    for (int i = 0; i < found; ++i) {
      const int client = ready[i].data.fd;
      if (client == server) {
        const int accepted = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        if (accepted < 0 || accepted >= most_connections) return 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connections[accepted] = (struct connection){.file = -1};
        watch(accepted, EPOLLIN, EPOLL_CTL_ADD);
      } else if ((ready[i].events & EPOLLOUT ? send_more(client) : receive(client, delay)) < 0) {
        finish(&connections[client]);
        close(client);
      }
    }
    while (count_waiting && connections[waiting[first_waiting]].due <= now()) {
      answer(waiting[first_waiting]);
      first_waiting = (first_waiting + 1) % most_connections;
      --count_waiting;
    }
  }
}
