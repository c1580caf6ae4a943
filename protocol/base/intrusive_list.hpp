// SPDX-License-Identifier: MIT
//
// IntrusiveList: a doubly linked list whose links live in the elements, so that joining and
// leaving never allocates and an element can leave from its own destructor.
// Threading: one thread.
#pragma once

#include "protocol/base/check.hpp"

namespace mcpwire {

/// Base of everything that can be in one IntrusiveList. An element leaves its list on destruction.
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool is_linked() const noexcept { return next_ != nullptr; }

  void unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

/// `T` derives from ListNode. The list does not own its elements.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() noexcept { head_.next_ = head_.previous_ = &head_; }
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }

  void push_back(T& element) noexcept { insert_before(head_, element); }
  void push_front(T& element) noexcept { insert_before(*head_.next_, element); }

  /// The first element, or null.
  T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  T* pop_front() noexcept {
    T* element = front();
    if (element != nullptr) static_cast<ListNode*>(element)->unlink();
    return element;
  }

  /// Calls `visit(T&)` for each element; `visit` may unlink or destroy the element it is given,
  /// and no other.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (ListNode* node = head_.next_; node != &head_;) {
      ListNode* next = node->next_;
      visit(*static_cast<T*>(node));
      node = next;
    }
  }

 private:
  static void insert_before(ListNode& next, ListNode& node) noexcept {
    MCPWIRE_CHECK(!node.is_linked());
    node.previous_ = next.previous_;
    node.next_ = &next;
    next.previous_->next_ = &node;
    next.previous_ = &node;
  }

  ListNode head_;
};

}  // namespace mcpwire
