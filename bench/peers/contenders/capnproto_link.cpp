// SPDX-License-Identifier: MIT
#include "bench/peers/contenders/capnproto_link.hpp"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <peers.capnp.h>

#include <utility>

namespace mcpwire::peers {

namespace {

std::byte* bytes_of(capnp::Data::Builder data) {
  return reinterpret_cast<std::byte*>(data.begin());
}
const std::byte* bytes_of(capnp::Data::Reader data) {
  return reinterpret_cast<const std::byte*>(data.begin());
}

class EchoServer final : public schema::Echo::Server {
 public:
  EchoServer(std::size_t payload_bytes, const CapnProtoLink::Handlers& handlers)
      : payload_bytes_(static_cast<unsigned>(payload_bytes)), handlers_(handlers) {}

  kj::Promise<void> ask(AskContext context) override {
    const capnp::Data::Reader request = context.getParams().getPayload();
    handlers_.request(bytes_of(request), request.size());
    handlers_.answer(bytes_of(context.getResults().initPayload(payload_bytes_)), payload_bytes_);
    return kj::READY_NOW;
  }

  kj::Promise<void> push(PushContext context) override {
    const capnp::Data::Reader message = context.getParams().getPayload();
    handlers_.pushed(bytes_of(message), message.size());
    return kj::READY_NOW;
  }

  kj::Promise<void> done(DoneContext) override { return kj::READY_NOW; }

 private:
  unsigned payload_bytes_;
  const CapnProtoLink::Handlers& handlers_;
};

class Link final : public CapnProtoLink {
 public:
  Link(int socket_fd, std::size_t payload_bytes)
      : payload_bytes_(payload_bytes),
        io_(kj::setupAsyncIo()),
        stream_(io_.lowLevelProvider->wrapSocketFd(socket_fd)) {}
  // Destructors of kj's own may throw; that would end the process, which then is at its end.
  ~Link() noexcept override {}  // NOLINT(modernize-use-equals-default)

  void serve_blocking(const Handlers& handlers) override {
    capnp::TwoPartyServer server(kj::heap<EchoServer>(payload_bytes_, handlers));
    server.accept(*stream_).wait(io_.waitScope);
  }

  void connect() override {
    client_ = std::make_unique<capnp::TwoPartyClient>(*stream_);
    echo_ = std::make_unique<schema::Echo::Client>(client_->bootstrap().castAs<schema::Echo>());
  }

  void ask_blocking(const Write& request, const Read& answer) override {
    auto call = echo_->askRequest();
    write(call.initPayload(static_cast<unsigned>(payload_bytes_)), request);
    const auto response = call.send().wait(io_.waitScope);
    answer(bytes_of(response.getPayload()), response.getPayload().size());
  }

  void push_blocking(const Write& message) override {
    auto call = echo_->pushRequest();
    write(call.initPayload(static_cast<unsigned>(payload_bytes_)), message);
    call.send().wait(io_.waitScope);
  }

  void finish_stream_blocking() override { echo_->doneRequest().send().wait(io_.waitScope); }

 private:
  void write(capnp::Data::Builder data, const Write& message) const {
    message(bytes_of(data), payload_bytes_);
  }

  std::size_t payload_bytes_;
  kj::AsyncIoContext io_;
  kj::Own<kj::AsyncIoStream> stream_;
  std::unique_ptr<capnp::TwoPartyClient> client_;
  std::unique_ptr<schema::Echo::Client> echo_;
};

}  // namespace

std::unique_ptr<CapnProtoLink> CapnProtoLink::create(int socket_fd, std::size_t payload_bytes) {
  return std::make_unique<Link>(socket_fd, payload_bytes);
}

}  // namespace mcpwire::peers
