// SPDX-License-Identifier: MIT
//
// gRPC's synchronous API over a Unix socket: unary calls, and a client stream.
#include "bench/peers/contenders/contenders.hpp"

#include <grpcpp/grpcpp.h>
#include <peers.grpc.pb.h>

#include <chrono>
#include <memory>
#include <semaphore>
#include <string>

namespace mcpwire::peers {

namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(20);

ByteSpan to_bytes(const std::string& text) noexcept { return as_bytes(text); }

void fill(std::string& text, std::size_t bytes, std::uint64_t sequence) {
  text.resize(bytes);
  write_payload({reinterpret_cast<std::byte*>(text.data()), text.size()}, sequence);
}

class EchoService final : public schema::Echo::Service {
 public:
  explicit EchoService(std::size_t payload_bytes) : payload_bytes_(payload_bytes) {}

  grpc::Status Ask(grpc::ServerContext*, const schema::Payload* request,  // NOLINT: their name
                   schema::Payload* response) override {
    const Verdict verdict = judge(*request);
    if (verdict == Verdict::kWrong) return end(false), grpc::Status(grpc::DATA_LOSS, "");
    const std::uint64_t answered = verdict == Verdict::kStop ? kStop : expected_++;
    fill(*response->mutable_payload(), payload_bytes_, answered | kAnswerBit);
    if (verdict == Verdict::kStop) end(true);
    return grpc::Status::OK;
  }

  grpc::Status Push(grpc::ServerContext*,  // NOLINT: their name
                    grpc::ServerReader<schema::Payload>* reader, schema::Done*) override {
    schema::Payload message;
    while (reader->Read(&message)) {
      const Verdict verdict = judge(message);
      if (verdict == Verdict::kRight) {
        meter_->message(expected_++);
        continue;
      }
      if (verdict == Verdict::kStop) meter_->stop(expected_ - 1);
      return end(verdict == Verdict::kStop), grpc::Status::OK;
    }
    return end(false), grpc::Status::OK;
  }

  /// Until the stop came. The threads are gRPC's; one call runs at a time.
  bool wait_blocking(StreamMeter* meter) {
    meter_ = meter;
    metered_.release();
    ended_.acquire();
    return all_right_;
  }

 private:
  Verdict judge(const schema::Payload& message) {
    if (expected_ == 1) metered_.acquire();
    if (message.payload().size() != payload_bytes_) return Verdict::kWrong;
    return judge_payload(to_bytes(message.payload()), expected_);
  }

  void end(bool all_right) {
    all_right_ = all_right;
    ended_.release();
  }

  std::size_t payload_bytes_;
  StreamMeter* meter_ = nullptr;
  std::binary_semaphore metered_{0};
  std::binary_semaphore ended_{0};
  bool all_right_ = false;
  std::uint64_t expected_ = 1;
};

class Grpc final : public Contender {
 public:
  explicit Grpc(const LaneSetup& setup)
      : payload_bytes_(setup.payload_bytes),
        address_("unix:" + setup.scratch_directory + "/grpc") {}

  bool bind_peer() override {
    service_ = std::make_unique<EchoService>(payload_bytes_);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(service_.get());
    // Never destroyed: the process ends with the run, and its threads with it.
    server_ = builder.BuildAndStart().release();
    return server_ != nullptr;
  }

  bool open(Role role) override {
    if (role == Role::kPeer) return true;
    const auto channel = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
    stub_ = schema::Echo::NewStub(channel);
    return channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout);
  }

  bool ask(std::uint64_t sequence) override {
    grpc::ClientContext context;
    fill(*request_.mutable_payload(), payload_bytes_, sequence);
    return stub_->Ask(&context, request_, &answer_).ok() &&
           answer_.payload().size() == payload_bytes_ &&
           judge_payload(to_bytes(answer_.payload()), sequence | kAnswerBit) == Verdict::kRight;
  }

  bool answer_all() override { return service_->wait_blocking(nullptr); }

  bool send_stream(StreamPlan& plan) override {
    grpc::ClientContext context;
    schema::Done done;
    const auto writer = stub_->Push(&context, &done);
    std::uint64_t sequence = 0;
    do {
      if (!write(*writer, ++sequence)) return false;
    } while (plan.more_after(sequence));
    return write(*writer, kStop) && writer->WritesDone() && writer->Finish().ok();
  }

  bool receive_stream(StreamMeter& meter) override { return service_->wait_blocking(&meter); }

 private:
  bool write(grpc::ClientWriter<schema::Payload>& writer, std::uint64_t sequence) {
    fill(*request_.mutable_payload(), payload_bytes_, sequence);
    return writer.Write(request_);
  }

  std::size_t payload_bytes_;
  std::string address_;
  std::unique_ptr<EchoService> service_;
  grpc::Server* server_ = nullptr;
  std::unique_ptr<schema::Echo::Stub> stub_;
  schema::Payload request_;
  schema::Payload answer_;
};

}  // namespace

std::unique_ptr<Contender> make_grpc(const LaneSetup& setup) {
  return std::make_unique<Grpc>(setup);
}

}  // namespace mcpwire::peers
