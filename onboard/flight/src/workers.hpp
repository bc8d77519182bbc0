// A few threads that wait for work: started once, they allocate nothing afterwards.
#pragma once

#include <cstdint>
#include <pthread.h>

namespace onb {

struct Workers {
    static constexpr uint32_t most = 64;

    typedef void (*Work)(void *context, uint32_t index);

    pthread_t threads[most];
    uint32_t count;   // of threads besides the caller's
    bool ready;       // the locks are made
    bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    uint64_t round;   // rises with every piece of work
    uint32_t pending; // threads that are not through with it
    uint32_t started; // gives each thread its number
    Work work;
    void *context;
};

// Starts count - 1 threads; with the caller's there are then `count`. False if the system has none to give.
bool workers_start(Workers *workers, uint32_t count);
// Runs work(context, i) for i < the number of threads, each on its own, and waits for all of them.
void workers_run(Workers *workers, Workers::Work work, void *context);
// Ends all threads; may be called on workers that were never started, all zero.
void workers_stop(Workers *workers);

} // namespace onb
