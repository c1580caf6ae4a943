// SPDX-License-Identifier: MIT
#include "io/helper_thread.hpp"

#include "protocol/base/check.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <boost/lockfree/spsc_queue.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

namespace mcpwire::io {
namespace detail {

/// Counts the jobs that the helper may take. POSIX's, because libstdc++ 12's counting_semaphore can
/// sleep for ever (GCC PR 104928).
class JobCount {
 public:
  JobCount() noexcept { MCPWIRE_CHECK(sem_init(&semaphore_, 0, 0) == 0); }
  ~JobCount() { sem_destroy(&semaphore_); }
  JobCount(const JobCount&) = delete;
  JobCount& operator=(const JobCount&) = delete;

  void release() noexcept { MCPWIRE_CHECK(sem_post(&semaphore_) == 0); }
  void acquire_blocking() noexcept {
    while (sem_wait(&semaphore_) != 0) MCPWIRE_CHECK(errno == EINTR);
  }

 private:
  sem_t semaphore_;
};

/// What both threads share. The loop's side pushes jobs, the helper pops them in order and sends
/// them back through the inbox.
class HelperQueues {
 public:
  HelperQueues(Loop& loop, std::unique_ptr<LoopInbox> inbox, std::size_t jobs_max)
      : loop_(loop), inbox_(std::move(inbox)), jobs_max_(jobs_max), queued_(jobs_max) {
    // Signals belong to the loop: the helper is created with all of them blocked.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  Loop& loop() const noexcept { return loop_; }
  std::size_t jobs() const noexcept { return jobs_; }

  Result<void> submit(std::unique_ptr<HelperJob>& job) {
    if (stopped_) return fail(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
    if (jobs_ == jobs_max_) return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
    ++jobs_;
    job->queues = this;
    const bool pushed = queued_.push(job.release());
    MCPWIRE_CHECK(pushed);  // It has room for jobs_max_.
    available_.release();
    return {};
  }

  void finish(HelperJob& job, const Error* failure) {
    const std::unique_ptr<HelperJob> frees_it(&job);
    MCPWIRE_CHECK(jobs_ > 0);
    --jobs_;
    job.deliver(failure);
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    must_stop_.store(true, std::memory_order_relaxed);
    available_.release();
    thread_.join();
    inbox_->run_pending();
    const Error failure = Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
    HelperJob* job = nullptr;
    while (queued_.pop(job)) finish(*job, &failure);
    MCPWIRE_CHECK(jobs_ == 0);
  }

 private:
  void work() {
    for (;;) {
      available_.acquire_blocking();
      if (must_stop_.load(std::memory_order_relaxed)) return;
      HelperJob* job = nullptr;
      const bool popped = queued_.pop(job);
      MCPWIRE_CHECK(popped);
      // SUBTLE: a relaxed look. Missing the flag runs a job whose result nobody takes.
      if (!job->is_abandoned.load(std::memory_order_relaxed)) job->execute();
      const bool returned = inbox_->try_push(*job);
      MCPWIRE_CHECK(returned);  // It has room for jobs_max_.
    }
  }

  Loop& loop_;
  std::unique_ptr<LoopInbox> inbox_;
  const std::size_t jobs_max_;
  std::size_t jobs_ = 0;  ///< The loop's side only.
  bool stopped_ = false;
  boost::lockfree::spsc_queue<HelperJob*> queued_;
  JobCount available_;
  std::atomic<bool> must_stop_{false};
  std::thread thread_;
};

void HelperJob::run_on_loop() { queues->finish(*this, nullptr); }

}  // namespace detail

Result<std::unique_ptr<HelperThread>> HelperThread::create(Loop& loop,
                                                           const HelperThreadOptions& options) {
  std::unique_ptr<LoopInbox> inbox = TRY(LoopInbox::create(loop, options.jobs_max));
  return std::unique_ptr<HelperThread>(new HelperThread(
      std::make_unique<detail::HelperQueues>(loop, std::move(inbox), options.jobs_max)));
}

HelperThread::HelperThread(std::unique_ptr<detail::HelperQueues> queues) noexcept
    : queues_(std::move(queues)) {}

HelperThread::~HelperThread() { stop(); }

void HelperThread::stop() { queues_->stop(); }

std::size_t HelperThread::jobs() const noexcept { return queues_->jobs(); }

Result<void> HelperThread::submit(std::unique_ptr<detail::HelperJob>& job) {
  return queues_->submit(job);
}

Loop& HelperThread::loop() const noexcept { return queues_->loop(); }

}  // namespace mcpwire::io
