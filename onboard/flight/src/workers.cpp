#include "workers.hpp"

#include <csignal>

namespace onb {

namespace {

void *serve(void *given) {
    auto *workers = static_cast<Workers *>(given);
    (void)pthread_mutex_lock(&workers->mutex);
    const uint32_t index = ++workers->started;
    uint64_t seen = 0;
    for (;;) {
        while (workers->round == seen && !workers->stop) {
            (void)pthread_cond_wait(&workers->begin, &workers->mutex);
        }
        if (workers->stop) {
            break;
        }
        seen = workers->round;
        (void)pthread_mutex_unlock(&workers->mutex);
        workers->work(workers->context, index);
        (void)pthread_mutex_lock(&workers->mutex);
        if (--workers->pending == 0) {
            (void)pthread_cond_signal(&workers->end);
        }
    }
    (void)pthread_mutex_unlock(&workers->mutex);
    return nullptr;
}

} // namespace

bool workers_start(Workers *workers, uint32_t count) {
    *workers = Workers{};
    if (pthread_mutex_init(&workers->mutex, nullptr) != 0) {
        return false;
    }
    (void)pthread_cond_init(&workers->begin, nullptr);
    (void)pthread_cond_init(&workers->end, nullptr);
    workers->ready = true;
    // Signals are the caller's business.
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = true;
    while (good && workers->count + 1 < count && workers->count < Workers::most) {
        good = pthread_create(&workers->threads[workers->count], nullptr, serve, workers) == 0;
        workers->count += good ? 1 : 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!good) {
        workers_stop(workers);
    }
    return good;
}

void workers_run(Workers *workers, Workers::Work work, void *context) {
    if (workers->count > 0) {
        (void)pthread_mutex_lock(&workers->mutex);
        workers->work = work;
        workers->context = context;
        workers->pending = workers->count;
        ++workers->round;
        (void)pthread_cond_broadcast(&workers->begin);
        (void)pthread_mutex_unlock(&workers->mutex);
    }
    work(context, 0);
    if (workers->count > 0) {
        (void)pthread_mutex_lock(&workers->mutex);
        while (workers->pending > 0) {
            (void)pthread_cond_wait(&workers->end, &workers->mutex);
        }
        (void)pthread_mutex_unlock(&workers->mutex);
    }
}

void workers_stop(Workers *workers) {
    if (!workers->ready) {
        return;
    }
    (void)pthread_mutex_lock(&workers->mutex);
    workers->stop = true;
    (void)pthread_cond_broadcast(&workers->begin);
    (void)pthread_mutex_unlock(&workers->mutex);
    for (uint32_t i = 0; i < workers->count; ++i) {
        (void)pthread_join(workers->threads[i], nullptr);
    }
    (void)pthread_cond_destroy(&workers->end);
    (void)pthread_cond_destroy(&workers->begin);
    (void)pthread_mutex_destroy(&workers->mutex);
    *workers = Workers{};
}

} // namespace onb
