// Go's net/http. See in_programs.py for what is read and written.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func ask(line string) string {
	parts := strings.Split(line, "\t")
	request, err := http.NewRequest("POST", parts[1], strings.NewReader(parts[4]))
	if err != nil {
		return "error\t" + err.Error()
	}
	request.SetBasicAuth(parts[2], parts[3])
	for _, field := range parts[5:] {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "error\t" + err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "error\t" + err.Error()
	}
	return fmt.Sprintf("%d\t%s", answer.StatusCode, strings.ReplaceAll(string(body), "\n", " "))
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Println(ask(lines.Text()))
	}
}
