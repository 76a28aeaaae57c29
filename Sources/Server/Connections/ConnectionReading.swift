// How bytes become requests: read as many as there are and may be, keep the rest.

import Bytes
import HTTP1
import Tokens

extension Connection {
    /// Reads and answers as many requests as there are and may be; returns how many bytes are done
    /// with.
    func work(_ bytes: Span<UInt8>) -> Int {
        isWorking = true
        replies.isInUse = true
        let held = held
        var isBetweenRequests = true
        defer {
            if !isBetweenRequests || held !== commons.spareReader { keepOrGiveBackReader() }
            if owesAnswer || openRequest !== commons.spareRequest { keepOrGiveBackRequest() }
            isWorking = false
            replies.isInUse = false
        }
        var offset = 0
        var spent = budget.inTurn(commons.turns.number)
        defer { budget = spent.adding(bytes: offset) }
        while state.isParsing, offset < bytes.count {
            if spent.isSpent(offset, limits) {
                happened(.budgetSpent)
                break
            }
            switch held.reader.read(bytes, from: &offset) {
            case .incomplete:
                isBetweenRequests = false
                let part: ConnectionState.Part =
                    held.reader.isBetweenRequests ? .nothing : held.reader.hasHead ? .body : .head
                happened(.bytesEnded(part))
                return offset
            case .continueExpected:
                isBetweenRequests = false
                replies.appendContinue()
                happened(.bytesEnded(.body))
            case .request(.input(let range)):
                spent.requests += 1
                isBetweenRequests = true
                handle(held, bytes.extracting(range))
            case .request(.assembled):
                spent.requests += 1
                let whole = held.reader.assembled
                held.reader.dropAssembled()
                isBetweenRequests = true
                handle(held, whole.span)
            case .refused(let error):
                isBetweenRequests = false
                refuse(Fault(error), bytes, offset)
            }
            stopWhereTooMuchIsQueued()
        }
        return offset
    }

    private func keepOrGiveBackReader() {
        let spare = commons.spareReader
        if held.reader.isUnused {
            if held !== spare { held = spare }
        } else if held === spare {
            held = spare.takeOut()
        }
    }

    private func keepOrGiveBackRequest() {
        let spare = commons.spareRequest
        if !owesAnswer {
            openRequest = spare
        } else if openRequest === spare {
            openRequest = spare.takeOut()
        }
    }

    func workOnKept() {
        // Taken out while it is read: answers may be given, and new bytes kept, meanwhile.
        var bytes = kept
        kept = []
        let consumed = work(bytes.span)
        if consumed == bytes.count { return }  // and the memory goes
        bytes.removeFirst(consumed)
        kept = bytes
    }

    private func handle(_ held: HeldReader, _ bytes: Span<UInt8>) {
        happened(.requestRead)
        requests += 1
        let request = Request(held.reader.head, bytes)
        var context = ReplyContext(request, bytes, drawn: replies.drawID())
        if Int(requests) >= limits.requestsPerConnectionMax { context.keepsAlive = false }
        let open = openRequest
        take(context, request, bytes, open)
        if readsForwarded {
            forgetForwarded()
            readForwarded(held.reader.head.fields, bytes)
            readCertificate(held.reader.head.fields, bytes)
        }
        owesAnswer = true
        let record = observer.began(request, bytes, context)
        open.record = record
        // Whoever wants it with the answer may ask when the client has gone.
        if record.notes != nil { _ = peerAddress }
        host.handler.handle(request, bytes, self)
    }

    private func takeHead(_ bytes: Span<UInt8>, _ id: SealedIdentifier) {
        let request = Request(held.reader.head, bytes)
        take(ReplyContext(request, bytes, drawn: id), request, bytes, openRequest)
        if readsForwarded { readForwarded(held.reader.head.fields, bytes) }
    }

    @inline(__always)
    private func take(
        _ context: ReplyContext, _ request: borrowing Request, _ bytes: Span<UInt8>,
        _ open: OpenRequest
    ) {
        open.reply = context
        guard context.hasGivenID else { return }
        var id: [UInt8] = []
        id.append(bytes, request.fields.requestID.value)
        open.givenID = id
    }

    /// Answers a request that cannot be read further, and ends the connection.
    func refuse(_ fault: Fault, _ bytes: Span<UInt8>, _ offset: Int) {
        let id = replies.drawID()
        openRequest.reply = ReplyContext(drawn: id)
        forgetForwarded()
        if held.reader.hasHead, !held.reader.isBetweenRequests {
            if held.reader.assembled.isEmpty {
                takeHead(bytes.extracting(offset..<bytes.count), id)
            } else {
                let head = held.reader.assembled
                takeHead(head.span, id)
            }
        }
        openRequest.reply.keepsAlive = false
        openRequest.record = observer.began()
        owesAnswer = true
        happened(.refused)
        respond(.faults([fault]))
    }

    /// Moved out meanwhile, so that no access to what is kept has to be checked at run time.
    func keepMore(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var all: [UInt8] = []
        swap(&all, &kept)
        all.append(bytes, range)
        swap(&all, &kept)
    }

    func keep(_ bytes: Span<UInt8>) {
        keepMore(bytes, 0..<bytes.count)
        if kept.count > limits.keptBytesMax { happened(.tooMuchKept) }
    }

    func drop(_ count: Int) {
        droppedBytes &+= UInt32(clamping: count)
        if Int(droppedBytes) > limits.lingerBytesMax { happened(.droppedEnough) }
    }
}
