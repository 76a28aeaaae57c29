// The addresses of a name (`uv_getaddrinfo`), without making the loop wait.

import CLibUV
import Glibc

public enum NameLookup {
    private final class Request {
        let completion: (Result<[String], UVError>) -> Void
        init(_ completion: @escaping (Result<[String], UVError>) -> Void) {
            self.completion = completion
        }
    }

    /// Looks a name up. The loop does not end before.
    ///
    /// - Parameter completion: runs once, in a later turn: with the IP addresses in the order of
    ///   preference, at least one, or with what the system says (EAI_NONAME, EAI_AGAIN, …).
    /// - Throws: `UVError` where the request cannot be made; `completion` does not run then.
    public static func addresses(
        of name: String, _ loop: EventLoop,
        _ completion: @escaping (Result<[String], UVError>) -> Void
    ) throws(UVError) {
        // Freed in the callback, or here where there will be none.
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        let box = unsafe Unmanaged.passRetained(Request(completion))
        unsafe request.pointee.data = box.toOpaque()
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let code = unsafe uv_getaddrinfo(
            loop.raw, request,
            { request, status, found in
                guard let request = unsafe request, let data = unsafe request.pointee.data
                else { return }
                let box = unsafe Unmanaged<Request>.fromOpaque(data).takeRetainedValue()
                let texts = unsafe NameLookup.texts(found)
                unsafe uv_freeaddrinfo(found)
                unsafe request.deallocate()
                box.completion(
                    status < 0 || texts.isEmpty
                        ? .failure(UVError(code: status < 0 ? status : UV_EAI_NONAME.rawValue))
                        : .success(texts))
            }, name, nil, &hints)
        if code < 0 {
            unsafe box.release()
            unsafe request.deallocate()
            throw UVError(code: code)
        }
    }

    private static func texts(_ first: UnsafeMutablePointer<addrinfo>?) -> [String] {
        var texts: [String] = []
        var next = unsafe first
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr,
                let host = unsafe SocketAddress(address)?.host, !texts.contains(host)
            {
                texts.append(host)
            }
            unsafe next = entry.pointee.ai_next
        }
        return texts
    }
}
